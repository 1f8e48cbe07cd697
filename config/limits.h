/*
 * Everything that a peer can make us hold or do, side by side. What an operator may tune is in the
 * configuration ([limits]); what follows from the protocol or from the machine is here.
 */
#ifndef CONFIG_LIMITS_H
#define CONFIG_LIMITS_H

#include "protocol/frame.h"

enum {
        LIMIT_FRAME = FRAME_HEADER_MAX + ISO_MESSAGE_MAX,
        /* Input kept for one connection: a whole message that waits and the start of the next. */
        LIMIT_INPUT = 2 * LIMIT_FRAME,
        /* Output kept for one connection whose peer does not read: one answer, and one more to be safe. */
        LIMIT_OUTPUT = 2 * LIMIT_FRAME,
        /* The system's own buffers of an ATM's connection, each way; it doubles them for what it keeps beside. */
        LIMIT_SOCKET_BUFFER = 32768,
        /* What an ATM's system has not acknowledged for so long (it does not read, or is gone) helps nobody any more: the ATM
         * has given up. */
        LIMIT_UNTAKEN_MS = 30000,
        /* Messages of one connection in one turn of the loop; then the others have theirs. */
        LIMIT_FRAMES_PER_TURN = 16,

        /* A peer that has sent nothing for so long makes room where connections_max is reached. */
        LIMIT_SILENT_MS = 1000,
        /* So does one that has begun a handshake and does not go on; one whose bytes wait for us does not. */
        LIMIT_SLOW_MS = 5000,
        /* Where others wait for its place ([limits] handshakes_max), a handshake has so long for what it has to say, and so long again for
         * its answer to ours; less where many wait, and at least the other: what a slow line takes. Nor would less let more in: a
         * core begins some 1,000 handshakes a second, and handshakes_max of them in that time. One whose bytes wait for us has as
         * long as it takes. */
        LIMIT_PATIENCE_MS = 1000,
        LIMIT_PATIENCE_LEAST_MS = 250,
        LIMIT_DOOR_LOOK_MS = 20, /* how often that is looked at */
        /* Who comes late stands behind all that have come before: the system's queue knows no addresses. */
        LIMIT_ACCEPTS_PER_TURN = 64,
        LIMIT_BACKLOG = 4096,
        /* Accepting rests so long where the system has no descriptors or memory left. */
        LIMIT_ACCEPT_REST_MS = 200,
        /* Of so many or more who were at the door or in, half have gone: the memory that they had goes back to the system. */
        LIMIT_CROWD = 128,
        /* Descriptors that are not ATMs': log, journal, listener, database, files while loading. */
        LIMIT_OTHER_DESCRIPTORS = 64,

        /* What is left of a closed connection: time for its last answer to leave and for the peer to hang
         * up. Closing with unread input would make the kernel reset the connection and lose the answer. */
        LIMIT_LINGER_MS = 1000,
        LIMIT_LINGER_BYTES = 65536,
        LIMIT_LINGERING = 256, /* so many failed handshakes; the next are cut off at once */

        /* A person's session that a batch waits for is ended once it has been idle in its transaction for so long, or in that
         * transaction, whatever it does: whatever it holds, the request that waits has its answer within request_timeout_ms. Longer
         * than books_hold tries (sql/080_ledger.sql). Of a login whose session was ended within the hour, the last one, divided by
         * how many were. */
        LIMIT_BLOCKED_IDLE_MS = 5000,
        LIMIT_BLOCKED_OPEN_MS = 15000,
        LIMIT_BLOCKED_AGAIN_MS = 5000,

        /* How far this machine's clock may be from the database's: beyond the first people are warned, beyond the second nothing is
         * approved, beyond the third nobody knows which moments ATMs mean. */
        LIMIT_CLOCK_WARN_MS = 1000,
        LIMIT_CLOCK_OFF_MS = 10000,
        LIMIT_CLOCK_LOST_MS = 24 * 3600000,

        /* How often a repeat looks whether its bank has been heard. */
        LIMIT_PENDING_POLL_MS = 250,

        /* A bank's connection: output that it does not take, connecting and handshake together, and the
         * pauses between attempts. */
        LIMIT_BANK_OUTPUT = 1 << 18,
        LIMIT_BANK_CONNECT_MS = 5000,
        LIMIT_BANK_OUTPUT_MS = 10000,  /* for the bank to take what it is sent */
        LIMIT_BANK_MESSAGE_MS = 10000, /* for its message once begun */
        LIMIT_BANK_PAUSE_FIRST_MS = 200,
        LIMIT_BANK_PAUSE_MS = 15000,
        LIMIT_PAUSE_JITTER = 25, /* percent less or more */
        /* Messages of one link that are with the key module: ten times as many as are there at 5,000 withdrawals a second. What finds no
         * room does not leave. From the second on nothing more is read of the bank until there are fewer: what leaves has room beside what comes, and so has what a
         * connection reads in one turn (LIMIT_BANK_MESSAGES_PER_TURN). And how soon a message is tried again where the module is away. */
        LIMIT_BANK_MACS = 512,
        LIMIT_BANK_MACS_READ = 384,
        LIMIT_BANK_MESSAGES_PER_TURN = 64,
        LIMIT_BANK_MAC_AGAIN_MS = 250,
        LIMIT_BANK_LEAVE_MS = 500,              /* for the MAC of a sign-off */
        LIMIT_KEY_OFFER_PAUSE_FIRST_MS = 10000, /* behind the time that a bank has for its answer */
        LIMIT_KEY_OFFER_PAUSE_MS = 600000,

        /* Questions on their way to the key module: more than it answers within [key_module] timeout_ms. And the pauses between attempts to
         * connect, the first and what they grow to: it serves again within a second of its start. */
        LIMIT_KEY_QUESTIONS = 16384,
        LIMIT_KEY_PAUSE_FIRST_MS = 100,
        LIMIT_KEY_PAUSE_MS = 1000,

        /* How often messages that name an unknown set of keys may have the keys read anew, and how long they wait for that: less than
         * an ATM waits for its answer. */
        LIMIT_KEY_READS_MS = 250,
        LIMIT_KEY_READS_WAIT_MS = 5000,

        /* How often one request is decided anew because the reference data changed under it. */
        LIMIT_DECISIONS = 5,

        /* Text that says why something was closed or refused. */
        LIMIT_REASON = 384,

        /* How far [clock] skew_s may let ATMs' clocks be off: less than half a day, so that the moments that are
         * accepted at the same time lie on two dates at most. A card's row knows its use of two. The rest is for what
         * waits, and for instances' clocks. */
        LIMIT_SKEW_S = 11 * 3600,

        LIMIT_CONNECTIONS = 1 << 20, /* handles are 32 bits of place and 32 bits of generation */
};

#endif
