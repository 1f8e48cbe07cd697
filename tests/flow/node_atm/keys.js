/*
 * A terminal's keys, from the two files of docs/protocol.md (Keys, and how they reach an ATM): its key-encrypting key in clear, and under
 * it the key blocks (ANSI X9.143, version D) of its working set.
 */
'use strict';
const { createDecipheriv, timingSafeEqual } = require('crypto');
const fs = require('fs');
const { cmac, MACS } = require('./mac');

const HEADER = 16, MAC = 16;

/* The rows of a CSV file as objects. None of the files that an ATM reads has quotes in it. */
function rows(file) {
  const [head, ...lines] = fs.readFileSync(file, 'utf8').trimEnd().split('\n').map(line => line.split(','));
  return lines.map(cells => Object.fromEntries(head.map((name, i) => [name, cells[i]])));
}

/* For ENCIPHERING or AUTHENTICATING by a key-encrypting key: CMAC blocks under a counter, as many as the key is long. */
const ENCIPHERING = 0, AUTHENTICATING = 1;
function derived(kek, usage) {
  const algorithm = { 16: 2, 24: 3, 32: 4 }[kek.length];
  const blocks = [];
  for (let counter = 1; counter <= Math.ceil(kek.length / 16); counter++) {
    const input = Buffer.from([counter, 0, usage, 0, 0, algorithm, 0, 0]);
    input.writeUInt16BE(8 * kek.length, 6);
    blocks.push(cmac(kek, input));
  }
  return Buffer.concat(blocks).subarray(0, kek.length);
}

/* Where the optional blocks end: id, length of all of it in two hexadecimal digits, text. */
function optionalEnd(block) {
  let at = HEADER;
  for (let left = Number(block.slice(12, 14)); left > 0; left--) {
    const length = parseInt(block.slice(at + 2, at + 4), 16);
    if (!(length >= 4)) throw new Error('a key block with an optional block of another form');
    at += length;
  }
  return at;
}

/* What is in a block whose MAC is good, and of one of these usages. */
function unwrap(kek, block, usages) {
  if (block[0] !== 'D' || Number(block.slice(1, 5)) !== block.length) throw new Error('no key block of version D');
  const begin = optionalEnd(block), end = block.length - 2 * MAC;
  const header = Buffer.from(block.slice(0, begin), 'ascii');
  const mac = Buffer.from(block.slice(end), 'hex');
  const decipher = createDecipheriv(`aes-${8 * kek.length}-cbc`, derived(kek, ENCIPHERING), mac).setAutoPadding(false);
  const clear = Buffer.concat([decipher.update(block.slice(begin, end), 'hex'), decipher.final()]);
  const expected = cmac(derived(kek, AUTHENTICATING), Buffer.concat([header, clear]));
  if (!timingSafeEqual(expected, mac)) throw new Error('a key block whose MAC is wrong: changed, or under another key');
  const usage = block.slice(5, 7), isAes = block[7] === 'A';
  if (!usages.includes(usage)) throw new Error(`a key of usage ${usage}, not ${usages.join(' or ')}`);
  return { usage, isAes, bytes: clear.subarray(2, 2 + clear.readUInt16BE(0) / 8) };
}

/* The set of a row of the keys' file. */
function setOf(kek, row) {
  const macs = Object.keys(MACS);
  return {
    number: row.set,
    pin: unwrap(kek, row.pin_key, ['P0']),
    up: unwrap(kek, row.mac_key_up, macs),
    down: unwrap(kek, row.mac_key_down, macs),
  };
}

/* The set that the terminal has by now: of a file of its own, if it has one, else of the one that was made for it. Null: the laboratory has no keys (--plain). */
function keysOf(terminal, keksFile, keysFile, ownFile) {
  if (!keksFile || !keysFile) return null;
  const own = file => {
    const row = rows(file).find(other => other.terminal === terminal);
    if (!row) throw new Error(`${file} has no row of ${terminal}`);
    return row;
  };
  const kek = Buffer.from(own(keksFile).kek, 'hex');
  return { kek, set: setOf(kek, own(fs.existsSync(ownFile) ? ownFile : keysFile)) };
}

/* Writes a file of one row so that either it is there, whatever happens, or what was there before. */
function keep(name, row) {
  const file = fs.openSync(`${name}.new`, 'w', 0o600);
  fs.writeSync(file, `${Object.keys(row).join()}\n${Object.values(row).join()}\n`);
  fs.fsyncSync(file);
  fs.closeSync(file);
  fs.renameSync(`${name}.new`, name);
}

module.exports = { rows, unwrap, keep, keysOf, setOf };
