/*
 * A PIN as it leaves the ATM: a block of ISO 9564-1 format 4, 16 bytes under the terminal's AES key; or of format 0, 8 bytes under its TDES key. The field of format 4 is the control
 * digit, the PIN's length and digits, fill of A, and eight random bytes.
 */
'use strict';
const { createCipheriv, randomBytes } = require('crypto');
const { tdes } = require('./mac');

const BLOCK = 16, FIELD_DIGITS = 16, PAN_LEAST = 12;

function enciphered(key, block) {
  const cipher = createCipheriv(`aes-${8 * key.length}-ecb`, key, null).setAutoPadding(false);
  return Buffer.concat([cipher.update(block), cipher.final()]);
}

/* The card number's field: how many digits it has over twelve, the digits, zeros. */
function numberField(pan) {
  const digits = pan.padStart(PAN_LEAST, '0');
  return Buffer.from((String(digits.length - PAN_LEAST) + digits).padEnd(2 * BLOCK, '0'), 'hex');
}

function pinBlock(key, pin, pan, random = randomBytes(BLOCK / 2)) {
  const field = `4${pin.length.toString(16)}${pin}`.padEnd(FIELD_DIGITS, 'a');
  const once = enciphered(key, Buffer.concat([Buffer.from(field, 'hex'), random]));
  const number = numberField(pan);
  return enciphered(key, once.map((byte, i) => byte ^ number[i])).toString('hex');
}

/* Format 0: with the twelve digits before the check digit. */
function shortPinBlock(key, pin, pan) {
  const field = Buffer.from(`0${pin.length.toString(16)}${pin}`.padEnd(FIELD_DIGITS, 'f'), 'hex');
  const number = Buffer.from(pan.slice(-13, -1).padStart(FIELD_DIGITS, '0'), 'hex');
  return tdes(key, field.map((byte, i) => byte ^ number[i])).toString('hex');
}

module.exports = { pinBlock, shortPinBlock };
