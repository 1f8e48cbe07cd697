/* atmctl: the operators' command line. */
#include <langinfo.h>
#include <locale.h>
#include <string.h>

#include "tools/atmctl/commands.h"

/* Names are Japanese: widths need a UTF-8 locale, whatever the environment says about language. */
static void choose_locale(void)
{
        setlocale(LC_ALL, "");
        if (strcmp(nl_langinfo(CODESET), "UTF-8"))
                setlocale(LC_ALL, "C.UTF-8");
        setlocale(LC_NUMERIC, "C");
}

int main(int argc, char **argv)
{
        choose_locale();
        return commands_main(argc - 1, argv + 1);
}
