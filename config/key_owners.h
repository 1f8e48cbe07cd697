/* Whose keys there are, and what a key is for (config/key_rings.h), for those who only name them. Named as in the database. */
#ifndef CONFIG_KEY_OWNERS_H
#define CONFIG_KEY_OWNERS_H

enum key_owner { KEY_OWNER_TERMINAL, KEY_OWNER_LINK, KEY_OWNER_ISSUER, KEY_OWNERS };
enum key_purpose {
        KEY_PURPOSE_KEK,
        KEY_PURPOSE_PIN,
        KEY_PURPOSE_MAC_UP,   /* from the terminal to atmd, from atmd to the bank */
        KEY_PURPOSE_MAC_DOWN, /* and back */
        KEY_PURPOSE_VERIFICATION,
        KEY_PURPOSES
};

#endif
