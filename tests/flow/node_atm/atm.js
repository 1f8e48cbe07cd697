/*
 * An ATM of another make: written in another language from docs/protocol.md, with no look at the C sources, so that whatever it needed and that
 * document lacked was missed here. It has a connection, a counter of STANs, a clock set by its host's, its keys, and the last
 * withdrawal that it asked for.
 *
 * Invariants: one request in flight; what an answer says is believed only once its MAC, its identity and its echoes are right.
 */
'use strict';
const fs = require('fs');
const tls = require('tls');
const chip = require('./chip');
const { keep, setOf } = require('./keys');
const { MACS } = require('./mac');
const { pack, unpack, tag, tagged } = require('./message');
const { pinBlock, shortPinBlock } = require('./pin');

const ANSWER_WITHIN_MS = 30000, LENGTH_MAX = 2048, JAPAN_MS = 9 * 3600 * 1000;
const YEN = '392', NETWORK = '0800', ORIGINAL = '0200';
const ANSWER = { '0800': '0810', '0200': '0210', '0220': '0230', '0420': '0430' };
const ECHOED = [2, 3, 4, 7, 11, 32, 41, 42, 49, 70];
const NEVER_ECHOED = [35, 52];
const SIGN_ON = '001', SIGN_OFF = '002', CHANGE = '101', ECHO = '301';
const WITHDRAWAL = '010000', INQUIRY = '310000', BY_CHIP = '051';
const MAC_LENGTH = 8;

const digits = (number, length) => String(number).padStart(length, '0');

/* YYYYMMDDhhmmss of an instant in UTC; the last ten are DE 7. */
const moment = ms => new Date(ms).toISOString().replace(/[^0-9]/g, '').slice(0, 14);

/* Where the MAC belongs: into the last field of the last bitmap that has others. */
const macField = fields => Object.keys(fields).some(field => field > 64 && field < 128) ? 128 : 64;

/* Of a whole message, at whose end it is to stand or stands. */
const macOf = (key, bytes) => MACS[key.usage](key.bytes, bytes.subarray(0, -MAC_LENGTH)).subarray(0, MAC_LENGTH);

/* How MACs are spoiled on purpose. */
const SPOILED = { wrong: mac => { mac[0] ^= 1; }, cut: mac => mac.fill(0, 4) };

class Atm {
  /*
   * { host, port, ca, certificate, certificateKey, terminal, hall, acquirer, keys, keysFile, counterFile, journal, clockMs }: the last says how far business
   * time is thought to be ahead of this machine's clock.
   */
  constructor(settings) {
    Object.assign(this, settings);
    this.input = Buffer.alloc(0);
  }

  /* ---- the connection ---- */

  connect() {
    return new Promise((resolve, reject) => {
      const read = name => fs.readFileSync(this[name]);
      this.socket = tls.connect({
        host: this.host, port: this.port, ca: read('ca'), cert: read('certificate'), key: read('certificateKey'), minVersion: 'TLSv1.3',
      }, resolve);
      this.isOpen = true;
      this.socket.on('data', part => {
        this.input = Buffer.concat([this.input, part]);
        this.look();
      });
      this.socket.on('error', error => {
        reject(error);
        this.end(error);
      });
      this.socket.on('close', () => this.end(new Error('the connection was closed')));
    });
  }

  /* Until it is closed, by whomever. */
  close() {
    return new Promise(resolve => {
      if (!this.isOpen) return resolve();
      this.closed = resolve;
      this.socket.end();
    });
  }

  /* Until the other end closes it. */
  hangsUp() {
    return new Promise(resolve => {
      if (this.isOpen) this.closed = resolve;
      else resolve();
    });
  }

  end(error) {
    this.isOpen = false;
    if (this.waiting) this.waiting.reject(error);
    if (this.closed) this.closed();
    this.waiting = this.closed = null;
    this.input = Buffer.alloc(0);
  }

  /* Is there a whole message? Two at once there can't be. */
  look() {
    if (this.input.length < 2) return;
    const length = this.input.readUInt16BE(0);
    if (length < 1 || length > LENGTH_MAX) return this.socket.destroy(new Error(`a message of ${length} bytes`));
    if (this.input.length < 2 + length) return;
    const message = this.input.subarray(2, 2 + length);
    this.input = this.input.subarray(2 + length);
    if (!this.waiting) return this.socket.destroy(new Error('a message that nobody has asked for'));
    this.waiting.resolve(message);
    this.waiting = null;
  }

  exchange(bytes) {
    const length = Buffer.alloc(2);
    length.writeUInt16BE(bytes.length);
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error('no answer in time')), ANSWER_WITHIN_MS);
      const ended = how => value => {
        clearTimeout(timer);
        how(value);
      };
      this.waiting = { resolve: ended(resolve), reject: ended(reject) };
      this.socket.write(Buffer.concat([length, bytes]));
    });
  }

  /* ---- messages ---- */

  /* Kept: a number that is used again within a second would make a repeat of another message. */
  stan() {
    const last = fs.existsSync(this.counterFile) ? Number(fs.readFileSync(this.counterFile, 'utf8')) : 0;
    const next = last % 999999 + 1;
    fs.writeFileSync(this.counterFile, String(next));
    return digits(next, 6);
  }

  /* What every message of ours has. */
  stamped(mti, fields) {
    const now = Date.now() + this.clockMs;
    const local = moment(now + JAPAN_MS);
    this.moment = moment(now);
    return {
      0: mti, 7: this.moment.slice(4), 11: this.stan(), 12: local.slice(8), 13: local.slice(4, 8), 32: this.acquirer, 41: this.terminal,
      42: this.hall.padEnd(15), ...fields,
    };
  }

  /*
   * Its bytes, with key set, PIN block and MAC where the terminal has keys, all of them of the set that it has now: that of a repeat may be another one. `pin` among the
   * fields is what the holder has typed, if anything. `mac`: undefined, 'none', or how it is spoiled.
   */
  sealed({ pin, ...fields }, mac) {
    if (!this.keys) return pack(fields);
    const { number, up, pin: { bytes: pinKey, isAes } } = this.keys.set;
    const security = { ...fields, 62: tag('KS', number) };
    if (pin && isAes) security[62] += tag('PB', pinBlock(pinKey, pin, fields[2]));
    else if (pin) security[52] = shortPinBlock(pinKey, pin, fields[2]);
    if (mac === 'none') return pack(security);
    const bytes = pack({ ...security, [macField(security)]: '00'.repeat(MAC_LENGTH) });
    const made = macOf(up, bytes);
    if (mac) SPOILED[mac](made);
    made.copy(bytes, bytes.length - MAC_LENGTH);
    return bytes;
  }

  /* The fields of an answer, whose MAC is right where the terminal has keys. */
  opened(bytes) {
    const fields = unpack(bytes);
    if (!this.keys) {
      if (fields[62] || fields[64] || fields[128]) throw new Error('an answer with 62, 64 or 128 to a terminal without keys');
      return fields;
    }
    const { number, down } = this.keys.set; // as when it was asked
    const expected = macOf(down, bytes).toString('hex');
    const [set] = tagged(fields[62], 'KS');
    if (set !== number) throw new Error(`an answer under the key set ${set}, not ${number}`);
    if (fields[macField(fields)] !== expected) throw new Error("an answer's MAC is wrong");
    return fields;
  }

  checkEchoes(sent, answer) {
    const mti = ANSWER[sent[0].slice(0, 3) + '0'];
    if (answer[0] !== mti) throw new Error(`${answer[0]} in answer to ${sent[0]}`);
    for (const field of ECHOED)
      if (sent[field] !== answer[field]) throw new Error(`${answer[0]}: field ${field} is '${answer[field]}', not '${sent[field]}'`);
    for (const field of NEVER_ECHOED)
      if (answer[field]) throw new Error(`${answer[0]} has field ${field}`);
  }

  /* Sends fields and returns those of the answer; keeps both for a repeat, which network management has none of. */
  async ask(fields, mac) {
    const answer = this.opened(await this.exchange(this.sealed(fields, mac)));
    this.checkEchoes(fields, answer);
    if (fields[0] !== NETWORK) Object.assign(this, { sent: fields, heard: answer });
    return answer;
  }

  /* ---- what an ATM says ---- */

  /* Sets the clock by the answer: Japan's day and hour, without a year, of which the nearest is meant. */
  async network(code, mac) {
    const answer = await this.ask(this.stamped(NETWORK, { 70: code }), mac);
    if (answer[12] && answer[13]) {
      const [month, day] = [answer[13].slice(0, 2), answer[13].slice(2)].map(Number);
      const [hour, minute, second] = answer[12].match(/../g).map(Number);
      const now = Date.now() + this.clockMs, year = new Date(now).getUTCFullYear();
      const aheads = [year - 1, year, year + 1].map(y => Date.UTC(y, month - 1, day, hour, minute, second) - JAPAN_MS - now);
      this.clockMs += aheads.sort((a, b) => Math.abs(a) - Math.abs(b))[0];
    }
    return answer;
  }

  signOn() { return this.network(SIGN_ON); }
  signOff() { return this.network(SIGN_OFF); }
  echo(mac) { return this.network(ECHO, mac); }

  /* Takes the newer set that waits for it, if there is one; what it can't unwrap it doesn't use. On its disk before it is used. */
  async changeKeys() {
    const answer = await this.network(CHANGE);
    const [set] = tagged(answer[62], 'KN');
    if (answer[39] !== '00' || !set) return answer;
    const [pin_key, mac_key_up, mac_key_down] = tagged(answer[62], 'KB');
    const row = { terminal: this.terminal, set, pin_key, mac_key_up, mac_key_down };
    const made = setOf(this.keys.kek, row);
    keep(this.keysFile, row);
    this.keys.set = made;
    return answer;
  }

  /* card: { pan, expiry, hasChip } */
  async withdraw(card, pin, amount, mac) {
    const cash = digits(amount, 12);
    const fields = this.stamped(ORIGINAL, {
      2: card.pan, 3: WITHDRAWAL, 4: cash, 14: card.expiry, 49: YEN, ...card.hasChip ? { 22: BY_CHIP, 23: '001', 55: chip.asked(cash) } : {}, pin,
    });
    const named = [this.terminal, fields[11], this.moment];
    this.original = fields;
    this.originalMoment = this.moment;
    this.approval = null;
    this.journal.write('Q', ...named, amount, this.journal.card(card.pan));
    const answer = await this.ask(fields, mac);
    this.script = answer[55] ? chip.checked(answer[55], answer[39]) : false;
    if (answer[39] === '00') this.approval = answer;
    this.journal.write('A', ...named, answer[39], answer[28] ? Number(answer[28].slice(1)) : '-', answer[37] || '-', answer[38] || '-');
    return answer;
  }

  inquire(card, pin) {
    const fields = this.stamped(ORIGINAL, { 2: card.pan, 3: INQUIRY, 14: card.expiry, 49: YEN, pin });
    this.journal.write('B', this.terminal, fields[11], this.moment, this.journal.card(card.pan));
    return this.ask(fields);
  }

  /* The last request or advice once more: the MTI of repeats, a new MAC, and nothing else changed. What was answered is answered the same, but for what the bank said to the chip. */
  async repeat() {
    const first = this.heard;
    const again = await this.ask({ ...this.sent, 0: this.sent[0].slice(0, 3) + '1' });
    if (again[39] !== '94')
      for (const field of new Set([...Object.keys(first), ...Object.keys(again)]))
        if (![55, 62, 64, 128].includes(Number(field)) && first[field] !== again[field])
          throw new Error(`a repeat's field ${field} is '${again[field]}', not '${first[field]}'`);
    if (again[55]) throw new Error("a repeat's answer has field 55");
    return again;
  }

  /* An advice of the last withdrawal, of which `amount` was dispensed: what the two kinds have alike. */
  async advice(mti, amount, fields) {
    const original = this.original;
    const origin = ORIGINAL + original[11] + original[7] + this.acquirer.padStart(11, '0') + digits(0, 11);
    const rrn = this.approval ? { 37: this.approval[37], 38: this.approval[38] } : {};
    const report = this.approval && original[55] ? { 55: chip.reported(this.script) } : {};
    const told = this.stamped(mti, { 3: original[3], 4: original[4], 49: YEN, 90: origin, ...rrn, ...report, ...fields });
    const named = [this.terminal, told[11], this.moment], of = [original[11], this.originalMoment];
    this.journal.counted(amount);
    this.journal.write('V', ...named, mti, fields[39] || '-', amount, ...of);
    const answer = await this.ask(told);
    if (answer[39] === '00') this.journal.write('K', ...named, ...of);
    return answer;
  }

  /* Field 95: what left the dispenser. */
  dispensed(amount) {
    const fee = amount > 0 ? this.approval[28] : 'D00000000';
    return digits(amount, 12) + digits(0, 12) + fee + 'D00000000';
  }

  complete() {
    const amount = Number(this.original[4]);
    return this.advice('0220', amount, { 95: this.dispensed(amount) });
  }

  /* Nothing was dispensed, or a part. */
  reverse(reason, amount = 0) {
    return this.advice('0420', amount, { 39: reason, ...amount ? { 95: this.dispensed(amount) } : {} });
  }
}

module.exports = { Atm };
