/* The journals are read a second time for all that was written of what is lost. */
#include "backoffice/recovery/find.h"

#include <stdio.h>

#include "backoffice/recovery/plan.h"

/* What is no loss after all goes. */
static void pick(struct losses *losses)
{
        size_t kept = 0;

        for (size_t i = 0; i < losses->count; i++) {
                if (losses->lost[i].is_none)
                        lost_free(&losses->lost[i]);
                else
                        losses->lost[kept++] = losses->lost[i];
        }
        losses->count = kept;
}

static void add_up(struct losses *losses)
{
        for (size_t i = 0; i < losses->count; i++) {
                losses->problems += losses->lost[i].problem != LOST_NO_PROBLEM;
                losses->cash_yen += losses->lost[i].cash_yen;
        }
}

bool losses_find(PGconn *connection, const struct lost_question *question, struct losses *ret_losses,
                 char error[PG_ERROR_MAX])
{
        struct records records = {.count = 0};
        bool done;

        *error = '\0';
        done = losses_look(connection, question, ret_losses, &records, error);
        if (done && !records_read(&records, question->atm_folder, question->atm_folders,
                                  question->bank_folder, question->bank_folders)) {
                snprintf(error, PG_ERROR_MAX, "%s", records.error);
                done = false;
        }
        done = done && plans_make(connection, &records, ret_losses, error);
        pick(ret_losses);
        if (done)
                add_up(ret_losses);
        records_free(&records);
        return done;
}
