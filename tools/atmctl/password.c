/* Asked at the terminal itself, wherever standard input comes from. */
#include "tools/atmctl/password.h"

#include <fcntl.h>
#include <unistd.h>

#include "lib/cli/hidden.h"

bool password_ask(const char *question, char ret_password[PASSWORD_MAX])
{
        int terminal;
        bool given;

        if (!isatty(STDIN_FILENO) || !isatty(STDERR_FILENO))
                return false;
        terminal = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
        if (terminal < 0)
                return false;
        given = hidden_ask(terminal, question, ret_password, PASSWORD_MAX);
        close(terminal);
        return given;
}
