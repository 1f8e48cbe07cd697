/*
 * AES-CMAC (NIST SP 800-38B) of Node's own AES, which has no CMAC: CBC over the data, its last block masked by one of two subkeys. Keys of
 * 16, 24 or 32 bytes.
 */
'use strict';
const { createCipheriv } = require('crypto');

const BLOCK = 16;
const ZEROS = Buffer.alloc(BLOCK);

function cbc(key, data) {
  const cipher = createCipheriv(`aes-${8 * key.length}-cbc`, key, ZEROS).setAutoPadding(false);
  return Buffer.concat([cipher.update(data), cipher.final()]).subarray(-BLOCK);
}

/* Times x in GF(2^128). */
function doubled(block) {
  const out = Buffer.alloc(BLOCK);
  for (let i = 0; i < BLOCK; i++) out[i] = block[i] << 1 | (i + 1 < BLOCK ? block[i + 1] >> 7 : 0);
  if (block[0] & 0x80) out[BLOCK - 1] ^= 0x87;
  return out;
}

function cmac(key, data) {
  const whole = doubled(cbc(key, ZEROS));
  const begun = data.length ? Math.ceil(data.length / BLOCK) * BLOCK - BLOCK : 0;
  const last = Buffer.alloc(BLOCK);
  const size = data.copy(last, 0, begun);
  if (size < BLOCK) last[size] = 0x80;
  const mask = size < BLOCK ? doubled(whole) : whole;
  for (let i = 0; i < BLOCK; i++) last[i] ^= mask[i];
  return cbc(key, Buffer.concat([data.subarray(0, begun), last]));
}

module.exports = { cmac };
