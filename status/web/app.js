// The page: asks for the status when something has happened, and every two seconds.
import { at, el, toneOf, value, span, clock, bytes } from './dom.js';
import * as chains from './chain.js';
import * as charts from './charts.js';
import * as detail from './detail.js';

const pollMs = 2000, eventsKept = 400, eventsShown = 60;
const state = { status: null, incidents: [], events: [] };
let timer = null, asking = false, again = false;

/* ---- what is wrong ---- */

function isWrong(o, kind) {
  if (kind === 'service' && o.state === 'stopped') return !o.stopped_by_command;
  if (kind === 'check' && stoppedByCommand(o.of)) return false;
  return toneOf(o.state) === 'bad';
}

const stoppedByCommand = name =>
  state.status.services.some(s => s.name === name && s.stopped_by_command);

function verdict() {
  const s = state.status, wrong = [], odd = [];
  for (const kind of ['service', 'check', 'route', 'rule'])
    for (const o of s[`${kind}s`]) {
      if (isWrong(o, kind)) wrong.push(o.name);
      else if (toneOf(o.state) === 'warn') odd.push(`${o.name} ${o.state}`);
    }
  const list = names => names.slice(0, 3).join(', ') + (names.length > 3 ? ` and ${names.length - 3} more` : '');
  const [text, tone] = wrong.length ? [`${wrong.length} wrong: ${list(wrong)}`, 'bad']
    : odd.length ? [`Works, but: ${list(odd)}`, 'warn']
    : ['All is well', 'good'];
  show(at('verdict'), text);
  at('verdict').className = `verdict ${tone}`;
  document.title = wrong.length ? `✖ ${wrong.length} – ${s.monitord.host}` : `${s.monitord.host} – monitord`;
}

// A screen reader speaks what is set: only what is new is.
function show(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

function incidents() {
  const open = state.incidents.filter(i => i.state !== 'closed').reverse();
  at('wrong').hidden = open.length === 0;
  at('incidents').replaceChildren(...open.map(i => el('li', { class: i.state },
    el('strong', {}, i.text || i.root),
    el('p', {}, `#${i.id}, root ${i.root}, for ${span((Date.now() - Date.parse(i.since)) / 1000)}`,
      i.who ? `, taken by ${i.who}` : '',
      i.symptoms.length ? `; with it: ${i.symptoms.join(', ')}` : ''),
    i.actions.length ? el('p', {}, i.actions[i.actions.length - 1]) : null,
    detail.incidentButtons(i))));
}

/* ---- everything ---- */

const details = {
  service: o => [o.pid ? `pid ${o.pid}` : '', o.memory == null ? '' : bytes(o.memory),
    o.cpu == null ? '' : value(o.cpu, 'percent'), o.restarts ? `${o.restarts} restarts` : '',
    o.hold ? 'held' : '', o.drained ? 'drained' : '',
    o.stopped_by_command ? 'by command' : ''].filter(Boolean).join(', '),
  check: o => o.error || (o.latency_ms == null ? '' : value(o.latency_ms, 'ms')),
  route: o => `to ${o.active.join(', ') || 'nobody'}${o.text ? `; ${o.text}` : ''}`,
  rule: o => o.when || '',
};

function row(kind, o) {
  return el('tr', { role: 'row' },
    el('td', { role: 'cell' }, el('button', { type: 'button', onclick: () => open(kind, o.name) }, o.name)),
    el('td', { role: 'cell' }, el('span', { class: `state ${toneOf(o.state)}` }, o.state || 'unknown')),
    el('td', { role: 'cell' }, o.since ? span((Date.now() - Date.parse(o.since)) / 1000) : ''),
    el('td', { role: 'cell' }, details[kind](o)));
}

const rank = { bad: 0, warn: 1, idle: 2, good: 3 };

function objects() {
  const wanted = at('filter').value.toLowerCase();
  const focused = document.activeElement && at('objects').contains(document.activeElement)
    ? document.activeElement.textContent : null;
  at('objects').replaceChildren(...['route', 'service', 'check', 'rule'].map(kind => {
    const all = state.status[`${kind}s`].filter(o => !wanted || o.name.toLowerCase().includes(wanted) ||
      (o.state || 'unknown').includes(wanted)).sort((a, b) => rank[toneOf(a.state)] - rank[toneOf(b.state)]);
    if (!all.length) return null;
    const shown = all.slice(0, 200);
    return el('div', { class: 'table' }, el('table', { role: 'table' }, // also where rows are laid out as a grid
      el('caption', {}, `${kind[0].toUpperCase()}${kind.slice(1)}s`,
        all.length > shown.length ? `: the first ${shown.length} of ${all.length}` : ''),
      el('thead', {}, el('tr', { role: 'row' }, ['name', 'state', 'since', 'detail'].map(h => el('th', { scope: 'col', role: 'columnheader' }, h)))),
      el('tbody', {}, shown.map(o => row(kind, o)))));
  }).filter(Boolean));
  if (focused)
    [...at('objects').querySelectorAll('button')].find(b => b.textContent === focused)?.focus();
}

/* ---- what happened ---- */

function toneOfEvent(kind) {
  if (/down|failed|exited|opened|open$|stuck|fired|lost/.test(kind)) return 'bad';
  return /up$|restored|closed|verified|back$/.test(kind) ? 'good' : '';
}

function events() {
  const days = Date.now() - 86400000;
  at('events').replaceChildren(...state.events.slice(-eventsShown).reverse().map(e => {
    const time = Date.parse(e.time);
    return el('li', {}, el('time', { datetime: e.time }, clock(time, time < days, true)),
      el('span', {}, e.kind), el('span', {}, e.text || ''));
  }));
}

function listen() {
  const source = new EventSource('/v1/events?follow=1');
  source.onopen = () => live(true);
  source.onerror = () => { // the browser connects again by itself, unless it was refused
    live(false);
    if (source.readyState === EventSource.CLOSED) setTimeout(listen, 5000);
  };
  let late = null;
  source.onmessage = message => {
    const e = JSON.parse(message.data);
    if (state.events.length && e.id <= state.events[state.events.length - 1].id) return;
    state.events.push(e);
    if (state.events.length > eventsKept) state.events.shift();
    clearTimeout(late);
    late = setTimeout(() => { events(); refresh(); }, 60);
  };
}

function live(on) {
  at('live').classList.toggle('on', on);
  show(at('live'), on ? 'live' : 'no connection');
}

/* ---- all ---- */

const open = (kind, name) => detail.open(kind, name);

function chainPictures() {
  const box = at('chains');
  const focused = document.activeElement?.closest?.('.node')?.dataset.name;
  const scrolled = [...box.children].map(c => c.scrollLeft);
  const list = chains.pictures(state.status);
  box.replaceChildren(...(list.length ? list.map(p => chains.draw(state.status, p, open, box.clientWidth - 28))
    : [el('p', { class: 'note' }, 'No chain and no route is configured.')]));
  [...box.children].forEach((c, i) => { c.scrollLeft = scrolled[i] || 0; });
  if (focused) box.querySelector(`[data-name="${CSS.escape(focused)}"]`)?.focus();
}

async function ask(path) {
  const answer = await fetch(path);
  const body = await answer.json();
  if (!answer.ok) throw new Error(body.error || answer.status);
  return body;
}

async function refresh() {
  if (asking) { again = true; return; }
  asking = true;
  clearTimeout(timer);
  try {
    [state.status, state.incidents] = await Promise.all([ask('/v1/status'), ask('/v1/incidents')]);
    show(at('host'), `on ${state.status.monitord.host}`);
    verdict();
    incidents();
    chainPictures();
    objects();
    charts.status(state.status);
    detail.status(state.status);
  } catch (e) {
    show(at('verdict'), `no answer: ${e.message}`);
    at('verdict').className = 'verdict unknown';
  }
  asking = false;
  timer = setTimeout(refresh, again ? 100 : pollMs);
  again = false;
}

function theme() {
  const order = ['system', 'dark', 'light'];
  let now = localStorage.getItem('theme') || 'system';
  const apply = () => {
    if (now === 'system') delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = now;
    show(at('theme'), `Theme: ${now}`);
  };
  at('theme').onclick = () => {
    now = order[(order.indexOf(now) + 1) % order.length];
    localStorage.setItem('theme', now);
    apply();
  };
  apply();
}

theme();
addEventListener('resize', () => state.status && chainPictures());
at('filter').oninput = () => state.status && objects();
detail.begin({ changed: refresh, events: () => state.events, toneOfEvent });
charts.begin({ events: () => state.events, toneOfEvent });
listen();
refresh();
