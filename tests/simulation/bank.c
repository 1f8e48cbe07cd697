/*
 * A bank: banksim's decisions and memory (bank.c, bank_message.c of tools/banksim) behind a bad line, and
 * what banks do wrong. Whatever it decides is durable at once; what it says may be late, lost, doubled or
 * spoilt.
 */
#include "tests/simulation/sim.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "config/dialect.h"
#include "tools/banksim/bank_message.h"

enum {
        THINKS_MS = 30,
        SLOW_FROM_MS = 1000,
        SLOW_TO_MS = 13000,
        DOWN_FROM_MS = 300,
        DOWN_TO_MS = 300000,
};

static const char *const names[SIM_BANKS_MAX] = {"BANKA", "BANKB", "BANKC"};

void bank_open(struct sim *sim, int number)
{
        struct sim_bank *bank = &sim->banks[number];
        char path[512], error[DIALECT_ERROR_MAX];

        *bank = (struct sim_bank){.sim = sim, .number = number, .runs = true, .order = BEHAVIOUR_NORMAL};
        strcpy(bank->name, names[number]);
        snprintf(path, sizeof path, SOURCE_DIR "/etc/dialects/%s.dialect", bank->name);
        if (!dialect_load(path, &bank->dialect, &bank->codes, error)) {
                fprintf(stderr, "sim: %s\n", error);
                abort();
        }
        bank->dialect.pin = '\0'; /* its cards have none here */
        bank->bank = bank_new(bank->name);
        if (!bank->bank)
                abort();
}

void bank_close(struct sim_bank *bank)
{
        bank_free(bank->bank);
        bank->bank = NULL;
}

/* being there and not ------------------------------------------------------------------------------- */

static void hang_up(struct line *line)
{
        line->bank_open = line->signed_on = false;
        network_carry_end(line->sim, (struct event){.kind = EVENT_LINE_CLOSED, .line = line},
                          line->to_daemon_ms);
}

void bank_go_down(struct sim_bank *bank, int64_t ms)
{
        if (!bank->runs)
                return;
        sim_tell(bank->sim, "%s is down for %" PRId64 " ms", bank->name, ms);
        bank->sim->counters->bank_down++;
        bank->runs = false;
        for (struct line *line = bank->sim->lines; line; line = line->next) {
                if (line->bank == bank->number && line->bank_open)
                        hang_up(line);
        }
        sim_put(bank->sim, ms, (struct event){.kind = EVENT_BANK_UP, .number = bank->number});
}

void bank_come_up(struct sim_bank *bank)
{
        sim_tell(bank->sim, "%s is there again", bank->name);
        bank->runs = true;
}

/* answers ------------------------------------------------------------------------------------------- */

static void answer_in(struct line *line, const uint8_t *bytes, size_t length, int64_t ms)
{
        struct event event = {
            .kind = EVENT_BANK_ANSWERS, .line = line, .length = length, .bytes = malloc(length)};

        if (!event.bytes)
                abort();
        memcpy(event.bytes, bytes, length);
        sim_put(line->sim, ms, event);
}

static enum behaviour draw(struct sim_bank *bank, struct line *line, const char *mti)
{
        struct sim *sim = bank->sim;
        int pick = draw_below(&sim->random, 1000);

        if (!bank_message_is_about_money(mti))
                return BEHAVIOUR_NORMAL;
        if (sim->script)
                return script_behaviour(sim, bank, line, mti);
        for (int i = 0; i < BEHAVIOUR_COUNT && !sim->calm; i++) {
                if (pick < sim->rates.bank[i])
                        return (enum behaviour)i;
                pick -= sim->rates.bank[i];
        }
        return BEHAVIOUR_NORMAL;
}

/* The code that it answers with where it is a matter of one. */
static void draw_order(struct sim_bank *bank, enum behaviour how, struct behaviour_order *ret_order)
{
        struct sim *sim = bank->sim;
        size_t count = behaviour_order(how, &bank->codes, 0, ret_order);

        if (count > 0 && sim->script)
                (void)behaviour_order(how, &bank->codes, script_choice(sim, count), ret_order);
        else if (count > 1)
                (void)behaviour_order(how, &bank->codes, (uint64_t)draw_below(&sim->random, (int)count),
                                      ret_order);
}

static void count_behaviour(struct sim_counters *counters, enum behaviour how, const struct bank_reply *reply)
{
        counters->bank_slow += how == BEHAVIOUR_SLOW;
        counters->bank_late += how == BEHAVIOUR_LATE;
        counters->bank_silent += how == BEHAVIOUR_SILENT;
        counters->bank_wrong_echo += how == BEHAVIOUR_WRONG_ECHO;
        counters->bank_duplicate += how == BEHAVIOUR_DUPLICATE;
        counters->bank_hang_up += how == BEHAVIOUR_HANG_UP;
        counters->bank_decline += reply->ordered && how == BEHAVIOUR_DECLINE;
        counters->bank_repeated += reply->ordered && how == BEHAVIOUR_REPEATED;
        counters->bank_missing += reply->ordered && how == BEHAVIOUR_MISSING;
        counters->bank_case += reply->ordered && how == BEHAVIOUR_CASE;
        counters->bank_again += reply->ordered && how == BEHAVIOUR_AGAIN;
        counters->bank_repeats += reply->count == BANK_COUNT_REPEAT;
}

static void answer(struct line *line, enum behaviour how, struct iso_message *message)
{
        struct sim *sim = line->sim;
        uint8_t bytes[ISO_MESSAGE_MAX];
        size_t length;

        if (how == BEHAVIOUR_SILENT)
                return;
        if (how == BEHAVIOUR_HANG_UP) {
                hang_up(line);
                return;
        }
        if (how == BEHAVIOUR_WRONG_ECHO)
                bank_message_spoil(message, random_mix(&sim->random.state));
        for (int field = 2; field <= ISO_FIELD_MAX; field++) {
                if (iso_has(message, field) && sim->banks[line->bank].dialect.field[field].format == ISO_NONE)
                        iso_unset(message, field);
        }
        length = modules_bank_seal(&sim->banks[line->bank], message, how == BEHAVIOUR_WRONG_MAC, bytes);
        answer_in(line, bytes, length,
                  how == BEHAVIOUR_SLOW && sim->script ? script_slow_ms(sim)
                  : how == BEHAVIOUR_SLOW              ? draw_between(&sim->random, SLOW_FROM_MS, SLOW_TO_MS)
                  : how == BEHAVIOUR_LATE ? draw_between(&sim->random, sim->late_ms[0], sim->late_ms[1])
                                          : draw_between(&sim->random, 0, THINKS_MS));
        if (how == BEHAVIOUR_DUPLICATE)
                answer_in(line, bytes, length,
                          draw_between(&sim->random, 0,
                                       draw_permille(&sim->random, 500) ? THINKS_MS : sim->late_ms[1]));
}

void bank_hear(struct sim_bank *bank, struct line *line, const uint8_t *bytes, size_t length)
{
        struct sim *sim = bank->sim;
        struct iso_message message;
        struct iso_error error;
        struct bank_reply reply;
        struct bank_desk desk = {.bank = bank->bank,
                                 .key = sim->token_key,
                                 .business_ms = sim->now_ms,
                                 .signed_on = line->signed_on};
        enum behaviour how;

        if (iso_decode(&bank->dialect, bytes, length, &message, &error) < 0) {
                sim_violate(sim, "dialog", "%s gets a message that it can't read", bank->name);
                return;
        }
        if (!modules_bank_hears_right(bank, &message, bytes, length))
                sim_violate(sim, "I11", "%s gets a %s without the right MAC", bank->name, message.mti);
        how = draw(bank, line, message.mti);
        if (how == BEHAVIOUR_DEAF) {
                sim->counters->bank_deaf++;
                return;
        }
        if (how == BEHAVIOUR_DOWN) {
                bank_go_down(bank, draw_between(&sim->random, DOWN_FROM_MS, DOWN_TO_MS));
                return;
        }
        if (strcmp(message.mti, "0810") == 0) { /* it asks for nothing but keys */
                modules_bank_hears_keys(bank, &message);
                return;
        }
        draw_order(bank, how, &desk.order);
        bank_message_take(&desk, &bank->dialect, &message, NULL, &reply);
        line->signed_on = desk.signed_on;
        count_behaviour(sim->counters, how, &reply);
        sim_tell(sim, "%s takes a %s of daemon %d: %s%s", bank->name, message.mti, line->instance,
                 bank_count_name[reply.count], how == BEHAVIOUR_NORMAL ? "" : behaviour_name[how]);
        if (reply.close || reply.count == BANK_COUNT_FORMAT_ERROR || reply.count == BANK_COUNT_CONTRADICTION)
                sim_violate(sim, "dialog", "%s is told what it can't take: %s %s", bank->name, message.mti,
                            reply.why);
        if (reply.has_wrong_chip)
                sim_violate(sim, "I12", "%s: %s", bank->name, reply.why);
        sim->counters->script_results += reply.has_result;
        if (reply.has_record)
                check_record(sim, bank->number, &reply.record);
        modules_bank_hears_offer(bank, &message, &reply.answer);
        if (!reply.close)
                answer(line, how, &reply.answer);
        if (line->signed_on && modules_bank_asks(bank, &message))
                answer(line, BEHAVIOUR_NORMAL, &message);
}
