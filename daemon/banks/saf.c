/* Store and forward: see saf.h. next_work chooses what the store does next; on_end is the way back of a
 * notice from its bank, free_item the one door out of the window. */
#include "daemon/banks/saf.h"

#include <assert.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/log.h"

enum item_state { ITEM_FREE, ITEM_SENT, ITEM_ENDED };
enum work { WORK_NONE, WORK_TAKE, WORK_END, WORK_SWEEP, WORK_LOOK };

struct item {
        struct bank_exchange exchange;
        struct bank_notice notice;
        struct window *window;
        enum item_state state;
        enum notice_verdict verdict;
        char said[SAF_SAID_MAX + 1];
};

/* What is under way to a link's bank, and how much waits for it. */
struct window {
        struct saf *saf;
        struct bank_route *route;
        int64_t taken_ms;     /* of the last take, steady */
        bool nudged, holding; /* holding: the last take brought something, so the lease is ours */
        bool more;            /* it brought as much as it could */
        bool alarmed;
        int64_t waiting, parked, oldest_age_ms; /* when last looked */
        int free_count, ended_count;
        struct item item[SAF_WINDOW];
};

struct saf {
        struct saf_settings settings;
        struct saf_store store;
        struct saf_shell shell;
        size_t count;
        struct window *window;
        enum work work;             /* with the store */
        struct window *work_window; /* of a take */
        size_t turn;                /* the link after the one that was taken from last */
        int64_t swept_ms, looked_ms;
        bool sweep_again, draining;
        struct saf_result result[SAF_BATCH];
        struct item *reporting[SAF_BATCH];
        int reporting_count;
};

static int64_t steady_ms(const struct saf *saf)
{
        return saf->shell.steady_ms(saf->shell.context);
}

struct saf *saf_new(const struct saf_settings *settings, const struct bank_routes *routes,
                    const struct saf_store *store, const struct saf_shell *shell)
{
        struct saf *saf = calloc(1, sizeof(*saf));
        struct window *windows = calloc(routes->count ? routes->count : 1, sizeof(*windows));
        if (!saf || !windows) {
                free(saf);
                free(windows);
                return NULL;
        }
        saf->settings = *settings;
        saf->store = *store;
        saf->shell = *shell;
        saf->window = windows;
        saf->count = routes->count;
        for (size_t i = 0; i < routes->count; i++) {
                windows[i].saf = saf;
                windows[i].route = routes->route[i];
                windows[i].free_count = SAF_WINDOW;
        }
        saf->swept_ms = saf->looked_ms = steady_ms(saf);
        return saf;
}

void saf_free(struct saf *saf)
{
        if (!saf)
                return;
        free(saf->window);
        free(saf);
}

void saf_change(struct saf *saf, const struct saf_settings *settings)
{
        saf->settings = *settings;
}

/* ---- a notice's way to its bank and back --------------------------------------------------------------- */

static void free_item(struct item *item)
{
        assert(item->state != ITEM_FREE && !item->exchange.session);
        explicit_bzero(&item->notice.chip, sizeof(item->notice.chip));
        item->window->ended_count -= item->state == ITEM_ENDED;
        item->window->free_count++;
        item->state = ITEM_FREE;
}

static void end_item(struct item *item, enum notice_verdict verdict, const char *said)
{
        assert(item->state == ITEM_SENT);
        item->verdict = verdict;
        snprintf(item->said, sizeof(item->said), "%s", said);
        item->state = ITEM_ENDED;
        item->window->ended_count++;
}

static void log_verdict(const struct item *item, const char *de39)
{
        log_limited(LEVEL_WARNING, item->verdict == NOTICE_AGAIN ? "notice_put_off" : "notice_refused",
                    LOG_TEXT("link", item->window->route->settings.name),
                    LOG_TEXT("terminal", item->notice.identity.terminal),
                    LOG_NUMBER("stan", item->notice.identity.stan),
                    LOG_TEXT("kind", bank_notice_kind_name[item->notice.kind]), LOG_TEXT("de39", de39),
                    LOG_TEXT("verdict", notice_verdict_name[item->verdict]));
}

static const char *why_unsent(const struct bank_route *route)
{
        return route->env.mute ? route->env.mute : "no connection to the bank, or no room for its MAC";
}

static const char *why_no_answer(const struct item *item, enum bank_end end)
{
        switch (end) {
        case BANK_LOST:
                return "the connection ended before the answer";
        case BANK_UNSENT:
                return why_unsent(item->window->route);
        case BANK_TIMED_OUT:
        case BANK_ANSWERED:
                break;
        }
        return "no answer";
}

static void on_end(struct bank_exchange *exchange, enum bank_end end, const struct iso_message *answer)
{
        struct item *item = (struct item *)((char *)exchange - offsetof(struct item, exchange));
        enum notice_verdict verdict = bank_route_verdict(item->window->route, answer);
        char de39[BANK_CODE_LENGTH + 1] = "";
        if (answer && iso_copy(answer, 39, de39, sizeof(de39)))
                end_item(item, verdict, de39);
        else
                end_item(item, NOTICE_AGAIN, why_no_answer(item, end));
        if (*de39 && verdict != NOTICE_DONE)
                log_verdict(item, de39);
}

static bool is_same(const struct bank_notice *a, const struct bank_notice *b)
{
        return a->identity.stan == b->identity.stan &&
               a->identity.transmitted_ms == b->identity.transmitted_ms && a->seq == b->seq &&
               strcmp(a->identity.terminal, b->identity.terminal) == 0;
}

/* A free item for a notice that is not under way here yet; NULL: it is, or the window is full. */
static struct item *take_item(struct window *window, const struct bank_notice *notice)
{
        struct item *found = NULL;
        for (size_t i = 0; i < SAF_WINDOW; i++) {
                struct item *item = &window->item[i];
                if (item->state != ITEM_FREE && is_same(&item->notice, notice))
                        return NULL;
                if (item->state == ITEM_FREE && !found)
                        found = item;
        }
        return found;
}

/* How long this attempt may wait: it is over when the notice is due again. */
static int64_t patience_ms(const struct window *window, const struct bank_notice *notice)
{
        const struct saf_settings *settings = &window->saf->settings;
        int64_t pause_ms = settings->retry_first_ms;
        for (int32_t i = 1; i < notice->attempts && pause_ms < settings->retry_max_ms; i++)
                pause_ms *= 2;
        if (pause_ms > settings->retry_max_ms)
                pause_ms = settings->retry_max_ms;
        pause_ms -= SAF_POLL_MS / 2; /* ticks come when they come */
        return pause_ms < window->route->settings.answer_timeout_ms
                   ? pause_ms
                   : window->route->settings.answer_timeout_ms;
}

static void tell(struct window *window, const struct bank_notice *notice)
{
        struct item *item = take_item(window, notice);
        struct iso_message message;
        if (!item)
                return;
        item->notice = *notice;
        item->window = window;
        item->exchange = (struct bank_exchange){
            .identity = notice->identity,
            .kind = notice->kind == BANK_NOTICE_COMPLETION ? MESSAGE_COMPLETION : MESSAGE_REVERSAL,
            .on_end = on_end};
        item->state = ITEM_SENT;
        window->free_count--;
        bank_format_notice(notice, window->route->settings.acquirer, &message);
        chip_data_add(&notice->chip, &window->route->dialect, &message);
        if (!bank_route_tell(window->route, &item->exchange, &message, patience_ms(window, notice)))
                end_item(item, NOTICE_AGAIN, why_unsent(window->route));
}

/* ---- what the store does next -------------------------------------------------------------------------- */

static bool is_due(const struct window *window, int64_t now_ms)
{
        int64_t pause_ms = window->nudged && window->holding ? SAF_NUDGED_MS : SAF_POLL_MS;
        if (!bank_route_is_up(window->route))
                return false; /* whoever can reach the bank may have the lease */
        return (window->more && window->free_count > 0) || now_ms - window->taken_ms >= pause_ms;
}

static void begin_take(struct saf *saf, struct window *window, int64_t now_ms)
{
        struct saf_take take = {
            .link = window->route->settings.name,
            .holder = saf->settings.holder,
            .lease_ms = saf->settings.lease_ms,
            .retry_first_ms = saf->settings.retry_first_ms,
            .retry_max_ms = saf->settings.retry_max_ms,
            .max = window->free_count < SAF_BATCH ? window->free_count : SAF_BATCH,
        };
        window->taken_ms = now_ms;
        window->nudged = false;
        saf->work = WORK_TAKE;
        saf->work_window = window;
        saf->store.take(saf->store.context, &take);
}

static bool try_take(struct saf *saf, int64_t now_ms)
{
        for (size_t i = 0; i < saf->count && !saf->draining; i++) {
                struct window *window = &saf->window[(saf->turn + i) % saf->count];
                if (!is_due(window, now_ms))
                        continue;
                saf->turn = (saf->turn + i + 1) % saf->count;
                begin_take(saf, window, now_ms);
                return true;
        }
        return false;
}

static bool try_end(struct saf *saf)
{
        int count = 0;
        for (size_t w = 0; w < saf->count; w++) {
                struct window *window = &saf->window[w];
                for (size_t i = 0; window->ended_count > 0 && i < SAF_WINDOW && count < SAF_BATCH; i++) {
                        struct item *item = &window->item[i];
                        if (item->state != ITEM_ENDED)
                                continue;
                        saf->reporting[count] = item;
                        saf->result[count++] = (struct saf_result){item->notice.identity, item->notice.seq,
                                                                   item->verdict, item->said};
                }
        }
        saf->reporting_count = count;
        if (count == 0)
                return false;
        saf->work = WORK_END;
        saf->store.end(saf->store.context, saf->result, count);
        return true;
}

static bool try_sweep(struct saf *saf, int64_t now_ms)
{
        if (saf->draining || (!saf->sweep_again && now_ms - saf->swept_ms < SAF_SWEEP_MS))
                return false;
        saf->swept_ms = now_ms;
        saf->work = WORK_SWEEP;
        saf->store.sweep(saf->store.context, saf->settings.sweep_age_ms, SAF_SWEEP_MAX);
        return true;
}

static bool try_look(struct saf *saf, int64_t now_ms)
{
        if (saf->draining || now_ms - saf->looked_ms < SAF_LOOK_MS)
                return false;
        saf->looked_ms = now_ms;
        saf->work = WORK_LOOK;
        saf->store.look(saf->store.context);
        return true;
}

static void next_work(struct saf *saf)
{
        int64_t now_ms = steady_ms(saf);
        if (saf->work != WORK_NONE || !saf->store.is_idle(saf->store.context))
                return;
        /* the rare ones first: they can't starve the others */
        if (try_sweep(saf, now_ms) || try_look(saf, now_ms) || try_end(saf) || try_take(saf, now_ms))
                return;
}

void saf_tick(struct saf *saf)
{
        next_work(saf);
}

void saf_nudge(struct saf *saf)
{
        for (size_t i = 0; i < saf->count; i++)
                saf->window[i].nudged = true;
        next_work(saf);
}

void saf_drain(struct saf *saf)
{
        saf->draining = true;
}

bool saf_is_quiet(const struct saf *saf)
{
        for (size_t i = 0; i < saf->count; i++)
                if (saf->window[i].free_count < SAF_WINDOW)
                        return false;
        return saf->work == WORK_NONE;
}

/* ---- from the store ------------------------------------------------------------------------------------ */

void saf_taken(struct saf *saf, bool good, const struct bank_notice *notices, int count)
{
        struct window *window = saf->work_window;
        assert(saf->work == WORK_TAKE);
        saf->work = WORK_NONE;
        if (good) {
                window->holding = count > 0;
                window->more = count > 0 && count >= SAF_WINDOW / 2;
        }
        for (int i = 0; good && i < count; i++)
                tell(window, &notices[i]);
        next_work(saf);
}

void saf_ended(struct saf *saf, bool good)
{
        assert(saf->work == WORK_END);
        saf->work = WORK_NONE;
        for (int i = 0; good && i < saf->reporting_count; i++)
                free_item(saf->reporting[i]);
        saf->reporting_count = 0;
        if (good)
                next_work(saf);
}

void saf_swept(struct saf *saf, bool good, int count)
{
        assert(saf->work == WORK_SWEEP);
        saf->work = WORK_NONE;
        saf->sweep_again = good && count >= SAF_SWEEP_MAX;
        if (good && count > 0) {
                log_event(
                    LEVEL_WARNING, "swept", LOG_NUMBER("withdrawals", count),
                    LOG_TEXT("help", "asked by an instance that is gone or slow; refused and reversed"));
                saf_nudge(saf);
        }
        if (good)
                next_work(saf);
}

static void see_alarm(struct window *window)
{
        const char *link = window->route->settings.name;
        bool over = window->oldest_age_ms > window->saf->settings.alarm_age_ms;
        if (over == window->alarmed)
                return;
        window->alarmed = over;
        if (over)
                log_event(LEVEL_ERROR, "saf_alarm", LOG_TEXT("link", link),
                          LOG_NUMBER("oldest_s", window->oldest_age_ms / 1000),
                          LOG_NUMBER("waiting", window->waiting),
                          LOG_TEXT("help", "the bank does not acknowledge: atmctl saf list"));
        else
                log_event(LEVEL_INFO, "saf_alarm_over", LOG_TEXT("link", link),
                          LOG_NUMBER("waiting", window->waiting));
}

void saf_looked(struct saf *saf, bool good, const struct saf_age *ages, int count)
{
        assert(saf->work == WORK_LOOK);
        saf->work = WORK_NONE;
        for (size_t i = 0; good && i < saf->count; i++) {
                struct window *window = &saf->window[i];
                window->waiting = window->parked = window->oldest_age_ms = 0;
                for (int a = 0; a < count; a++) {
                        if (strcmp(ages[a].link, window->route->settings.name) != 0)
                                continue;
                        window->waiting = ages[a].waiting;
                        window->parked = ages[a].parked;
                        window->oldest_age_ms = ages[a].oldest_age_ms;
                }
                see_alarm(window);
        }
        if (good)
                next_work(saf);
}

void saf_log(const struct saf *saf)
{
        for (size_t i = 0; i < saf->count; i++) {
                const struct window *window = &saf->window[i];
                log_event(LEVEL_INFO, "saf_stats", LOG_TEXT("link", window->route->settings.name),
                          LOG_NUMBER("waiting", window->waiting), LOG_NUMBER("parked", window->parked),
                          LOG_NUMBER("oldest_s", window->oldest_age_ms / 1000),
                          LOG_NUMBER("under_way", SAF_WINDOW - window->free_count),
                          LOG_TEXT("alarm", window->alarmed ? "yes" : "no"));
        }
}
