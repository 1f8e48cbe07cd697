/*
 * part [ready] [deaf] [ends]: a process for atmlab to start. It says what it inherited, what it was given and where it
 * is; then, as its words say, that it is ready; is deaf to SIGTERM; ends.
 */
#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

static void say_descriptors(void)
{
        DIR *folder = opendir("/proc/self/fd");
        struct dirent *entry;
        int count = 0;

        while ((entry = readdir(folder)))
                count += entry->d_name[0] != '.' && atoi(entry->d_name) != dirfd(folder);
        closedir(folder);
        printf("descriptors=%d\n", count);
}

int main(int count, char **words)
{
        char folder[4096];

        say_descriptors();
        printf("leads=%d\n", getsid(0) == getpid());
        printf("folder=%s\n", getcwd(folder, sizeof(folder)));
        printf("hears_interrupts=%d\n", signal(SIGINT, SIG_DFL) == SIG_DFL);
        for (int i = 1; i < count; i++) {
                printf("word=%s\n", words[i]);
                fflush(stdout);
                if (!strcmp(words[i], "deaf"))
                        signal(SIGTERM, SIG_IGN);
                if (!strcmp(words[i], "ends"))
                        return 3;
                if (!strcmp(words[i], "ready")) {
                        sd_notify(0, "STATUS=nearly");
                        sd_notify(0, "STATUS=there\nREADY=1");
                }
        }
        for (;;)
                pause();
}
