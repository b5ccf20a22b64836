// One object in full: its state, its charts, and what can be done about it. Acting needs the
// right to: over TCP the token of http-token-file, kept for this tab only.
import { at, el, clock, toneOf, span, value } from './dom.js';
import * as charts from './charts.js';

const verbs = {
  service: ['start', 'stop', 'restart', 'reload', 'hold', 'release', 'drain', 'undrain'],
  route: ['reroute', 'restore'], check: [], rule: [],
};
const dangerous = ['stop', 'restart', 'drain', 'reroute'];
const confirmMs = 4000;
let hooks = null, shown = null, known = null;

const token = () => sessionStorage.getItem('token');

async function act(path, body, say) {
  say('…');
  try {
    const answer = await fetch(path, { method: 'POST', body: body ? JSON.stringify(body) : '',
      headers: token() ? { Authorization: `Bearer ${token()}` } : {} });
    const said = await answer.json();
    say(answer.ok ? said.text || 'done' : said.error);
    if (answer.status === 403) login();
  } catch (e) {
    say(e.message);
  }
  hooks.changed();
}

// A dangerous one is pressed twice.
function button(verb, run) {
  let armed = null;
  const b = el('button', { type: 'button', class: dangerous.includes(verb) ? 'danger' : null }, verb);
  b.onclick = () => {
    if (!dangerous.includes(verb) || armed) {
      clearTimeout(armed);
      armed = null;
      b.textContent = verb;
      run();
      return;
    }
    b.textContent = `really ${verb}?`;
    armed = setTimeout(() => { armed = null; b.textContent = verb; }, confirmMs);
  };
  return b;
}

function buttons(kind, name, more) {
  if (!token() || !verbs[kind].length) return null;
  const said = el('span', { role: 'status' });
  return el('div', { class: 'buttons' }, verbs[kind].map(verb => button(verb, () =>
    act(`/v1/${kind}s/${encodeURIComponent(name)}/${verb}`, more && more(verb),
      text => { said.textContent = text; }))), said);
}

export function incidentButtons(incident) {
  if (!token() || incident.state !== 'open') return null;
  const said = el('span', { role: 'status' });
  return el('div', { class: 'buttons' }, button('acknowledge', () =>
    act(`/v1/incidents/${incident.id}/ack`, { who: 'dashboard', why: 'seen' },
      text => { said.textContent = text; })), said);
}

/* ---- the dialog ---- */

const fields = {
  service: o => [['process', o.pid], ['up for', o.uptime_s == null ? null : span(o.uptime_s)],
    ['restarts', o.restarts], ['memory', value(o.memory, 'bytes')], ['cpu', value(o.cpu, 'percent')],
    ['threads', o.threads], ['descriptors', o.fds],
    ['last exit', o.exit.signal ? `signal ${o.exit.signal}` : o.exit.code],
    ['checks', o.checks.join(', ')], ['needs', (o.depends || []).join(', ')], ['routes', (o.routes || []).join(', ')]],
  check: o => [['measures', `${o.kind} ${o.target || ''}`], ['of', o.of], ['error', o.error],
    ['latency', o.latency_ms == null ? null : value(o.latency_ms, 'ms')],
    ['measured', o.age_s == null ? null : `${span(o.age_s)} ago`], ['every', `${o.every_s} s`],
    ['expects', o.expect.join(', ')], ['warns of', o.warn.join(', ')],
    ['metrics', Object.entries(o.metrics).map(([k, v]) => `${k} ${v}`).join(', ')]],
  route: o => [['driver', o.driver], ['active', o.active.join(', ')], ['wanted', o.wanted.join(', ')],
    ['verified by', o.verify], ['says', o.text],
    ['backends', o.backends.map(b => `${b.name} ${b.state}`).join(', ')]],
  rule: o => [['when', o.when], ['clears', o.clear], ['truth', o.truth], ['fired', o.fired],
    ['does', o.do.join(', ')], ['dry run', o.dry_run ? 'yes' : null]],
};

function facts(kind, o) {
  return el('dl', {}, [['state', el('span', { class: `state ${toneOf(o.state)}` }, o.state || 'unknown')],
    ['since', o.since ? clock(Date.parse(o.since), true, true) : null], ...fields[kind](o)]
    .filter(([, v]) => v != null && v !== '' && v !== '–')
    .flatMap(([k, v]) => [el('dt', {}, k), el('dd', {}, v)]));
}

function eventsOf(name) {
  const list = hooks.events().filter(e => e.object === name).slice(-12).reverse();
  return list.length ? el('ol', { class: 'events', reversed: true }, list.map(e => el('li', {},
    el('time', { datetime: e.time }, clock(Date.parse(e.time), Date.parse(e.time) < Date.now() - 86400000, true)), el('span', {}, e.kind),
    el('span', {}, e.text || '')))) : null;
}

export async function open(kind, name) {
  const o = known[`${kind}s`].find(x => x.name === name);
  if (!o) return;
  shown = { kind, name, facts: el('div', {}, facts(kind, o)) };
  const pictures = el('div', { class: 'charts' });
  at('detail-title').textContent = `${kind} ${name}`;
  at('detail-body').replaceChildren(...[shown.facts, buttons(kind, name), pictures, eventsOf(name)].filter(Boolean));
  at('detail').showModal();
  if (kind === 'rule') return;
  try {
    charts.place(pictures, await charts.ofObject(name, '1h'));
  } catch (e) {
    pictures.replaceChildren(el('p', { class: 'note' }, `No charts: ${e.message}.`));
  }
}

export function status(s) {
  known = s;
  const o = shown && s[`${shown.kind}s`].find(x => x.name === shown.name);
  if (o && at('detail').open) shown.facts.replaceChildren(facts(shown.kind, o));
}

/* ---- the token ---- */

function say() {
  at('token').textContent = token() ? 'Stop acting' : 'Act';
}

function login() {
  at('login-token').value = '';
  at('login-said').textContent = '';
  at('login').showModal();
}

// Kept only if it may act.
async function take(given) {
  let said = 'That is not the token.';
  try {
    const answer = await fetch('/v1/rights', { method: 'POST', headers: { Authorization: `Bearer ${given}` } });
    if (!answer.ok && answer.status !== 403) said = (await answer.json()).error;
    if (answer.ok) said = '';
  } catch (e) {
    said = e.message;
  }
  at('login-said').textContent = said;
  if (said) return at('login-token').select();
  sessionStorage.setItem('token', given);
  at('login').close();
  say();
  hooks.changed();
}

export function begin(given) {
  hooks = given;
  at('detail-close').onclick = () => at('detail').close();
  at('detail').onclose = () => { // the picture it was opened from may have been drawn anew
    const on = document.activeElement;
    if (shown && (on === document.body || at('detail').contains(on)))
      document.querySelector(`.node[data-name="${CSS.escape(shown.name)}"]`)?.focus();
  };
  at('login-cancel').onclick = () => at('login').close();
  at('login-form').onsubmit = e => {
    e.preventDefault();
    take(at('login-token').value);
  };
  at('token').onclick = () => {
    if (token()) {
      sessionStorage.removeItem('token');
      hooks.changed();
    } else {
      login();
    }
    say();
  };
  say();
}
