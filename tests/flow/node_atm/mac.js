/*
 * MACs of Node's own ciphers, which have none: AES-CMAC (NIST SP 800-38B), CBC over the data with its last block masked by one of two subkeys, by keys of 16, 24 or
 * 32 bytes; and ISO 9797-1 algorithm 3 with padding method 2, CBC by DES and the last block by TDES, by keys of 16.
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

/* DES and TDES: the cipher takes three keys of 8 bytes, and three that are the same are one. */
const DES = 8;
const threeOf = key => key.length === 3 * DES ? key : Buffer.concat([key, key.subarray(0, DES)]);
function tdes(key, data, mode = 'ecb', iv = null) {
  const cipher = createCipheriv(`des-ede3-${mode}`, threeOf(key), iv).setAutoPadding(false);
  return Buffer.concat([cipher.update(data), cipher.final()]);
}

function retailMac(key, data) {
  const padded = Buffer.alloc(DES * Math.ceil((data.length + 1) / DES));
  data.copy(padded);
  padded[data.length] = 0x80;
  const first = key.subarray(0, DES), last = Buffer.from(padded.subarray(-DES));
  const before = padded.subarray(0, -DES);
  if (before.length > 0) {
    const chained = tdes(Buffer.concat([first, first]), before, 'cbc', Buffer.alloc(DES)).subarray(-DES);
    for (let i = 0; i < DES; i++) last[i] ^= chained[i];
  }
  return tdes(key, last);
}

/* By a key's usage (X9.143). */
const MACS = { M6: cmac, M3: retailMac };

module.exports = { cmac, tdes, MACS };
