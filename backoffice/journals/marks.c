#include "backoffice/journals/marks.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

bool marks_set(struct marks *marks, const char *path)
{
        struct mark *grown = reallocarray(marks->mark, marks->count + 1, sizeof(*grown));
        struct stat status = {.st_size = 0};

        if (!grown)
                return false;
        marks->mark = grown;
        if (stat(path, &status) < 0 && errno != ENOENT)
                return false;
        grown[marks->count] = (struct mark){.path = strdup(path), .bytes = status.st_size};
        if (!grown[marks->count].path)
                return false;
        marks->count++;
        marks->are_set = true;
        return true;
}

bool marks_are_behind(const struct marks *marks, const char *path, int64_t end)
{
        if (!marks->are_set)
                return false;
        for (size_t i = 0; i < marks->count; i++)
                if (!strcmp(marks->mark[i].path, path))
                        return end > marks->mark[i].bytes;
        return true; /* it came later */
}

void marks_free(struct marks *marks)
{
        for (size_t i = 0; i < marks->count; i++)
                free(marks->mark[i].path);
        free(marks->mark);
        *marks = (struct marks){.count = 0};
}
