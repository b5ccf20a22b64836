// Which charts there are: of the host and of what clients feel, or of one object's metrics.
import { at, el } from './dom.js';
import { draw } from './chart.js';

const ranges = [['15 min', '15m'], ['1 h', '1h'], ['6 h', '6h'], ['1 d', '24h'], ['7 d', '7d'], ['30 d', '30d'], ['1 y', '365d']];
const refreshMs = 10000, namesKeptMs = 30000, percentilesOf = 30, latenciesShown = 4;
let hooks = null, known = null, range = '1h', busy = false, serial = 0;
const metricNames = new Map(); // object → its metrics

async function ask(path) {
  const answer = await fetch(path);
  const body = await answer.json();
  if (!answer.ok) throw new Error(body.error);
  return body;
}

// A new object's metrics come one after the other.
async function metricsOf(name) {
  const kept = metricNames.get(name);
  if (kept && Date.now() - kept.time < namesKeptMs) return kept.list;
  const list = (await ask(`/v1/series?object=${encodeURIComponent(name)}`)).metrics;
  metricNames.set(name, { list, time: Date.now() });
  return list;
}

const seriesOf = (name, metric, since) => ask(`/v1/series?object=${encodeURIComponent(name)}` +
  `&metric=${encodeURIComponent(metric)}&since=${since}&points=480`);

function marksOf(names) {
  return hooks.events().filter(e => hooks.toneOfEvent(e.kind) && (!names || names.includes(e.object)))
    .map(e => ({ time: Date.parse(e.time), tone: hooks.toneOfEvent(e.kind), text: `${e.kind} ${e.text || ''}` }));
}

const chartOf = (title, first, series, more) => ({ title, unit: first.unit || '', since: Date.parse(first.since),
  step: first.step_s * 1000, series, ...more });

const one = (title, s, names) => chartOf(title, s,
  [{ name: s.metric, values: s.values, low: s.low, high: s.high }], { marks: marksOf(names) });

/* ---- the charts that are made of several metrics ---- */

// The host's CPU by user, system, waiting and idle: all of it is 100 %.
async function cpu(name, since) {
  const [used, system, wait] = await Promise.all(['cpu-used', 'cpu-system', 'cpu-wait']
    .map(m => seriesOf(name, m, since)));
  const each = f => used.values.map((u, i) => u == null ? null : Math.max(0, f(u, system.values[i] || 0, wait.values[i] || 0)));
  return chartOf(`CPU of the host`, used, [
    { name: 'user', values: each((u, s) => u - s) },
    { name: 'system', values: each((u, s) => s) },
    { name: 'waits for disk', values: each((u, s, w) => w) },
    { name: 'idle', values: each((u, s, w) => 100 - u - w) },
  ], { stacked: true, most: 100, marks: marksOf(null) });
}

async function load(name, since) {
  const all = await Promise.all(['load1', 'load5', 'load15'].map(m => seriesOf(name, m, since)));
  return chartOf('Load of the host', all[0],
    all.map(s => ({ name: s.metric.replace('load', '') + ' min', values: s.values })), { marks: marksOf(null) });
}

// The samples of a moving window, in order.
function percentiles(values) {
  const at = part => values.map((v, i) => {
    const window = values.slice(Math.max(0, i - percentilesOf + 1), i + 1).filter(x => x != null).sort((a, b) => a - b);
    return v == null || !window.length ? null : window[Math.min(window.length - 1, Math.floor(part * window.length))];
  });
  return [['p50', at(0.5)], ['p95', at(0.95)], ['p99', at(0.99)]];
}

async function latency(check, since) {
  const s = await seriesOf(check.name, 'latency', since);
  return chartOf(`Latency of ${check.name}`, s, percentiles(s.values).map(([name, values]) => ({ name, values })),
    { marks: marksOf([check.name, check.of]) });
}

const title = (name, metric) => `${metric} of ${name}`;

async function single(name, metric, since) {
  return one(title(name, metric), await seriesOf(name, metric, since), [name]);
}

async function hostCharts(check, since) {
  const has = await metricsOf(check.name), list = [];
  if (has.includes('cpu-used')) list.push(cpu(check.name, since));
  if (has.includes('load1')) list.push(load(check.name, since));
  if (has.includes('memory-used')) list.push(single(check.name, 'memory-used', since));
  return Promise.all(list);
}

const isTraffic = metric => /request|sessions|connections|hits/.test(metric);

async function trafficCharts(checks, since) {
  const list = [];
  for (const c of checks)
    for (const metric of (await metricsOf(c.name)).filter(isTraffic))
      list.push(single(c.name, metric, since));
  return Promise.all(list);
}

async function overview(since) {
  const hosts = known.checks.filter(c => c.kind === 'system');
  const felt = known.checks.filter(c => c.latency_ms != null && /^(http|https|tcp|ajp|tls)$/.test(c.kind));
  const verified = new Set(known.routes.map(r => r.verify));
  felt.sort((a, b) => verified.has(b.name) - verified.has(a.name));
  const talked = known.checks.filter(c => Object.keys(c.metrics).some(isTraffic));
  const groups = await Promise.all([...hosts.map(c => hostCharts(c, since)),
    Promise.all(felt.slice(0, latenciesShown).map(c => latency(c, since))), trafficCharts(talked.slice(0, 4), since)]);
  const rest = known.services.slice(0, hosts.length ? 2 : 4);
  return groups.flat().concat(await Promise.all(rest.map(s => single(s.name, 'memory', since))));
}

// Every metric of one object; the latency of a check by its percentiles.
export async function ofObject(name, since) {
  const check = known.checks.find(c => c.name === name);
  if (check && check.kind === 'system') return (await hostCharts(check, since)).concat(
    await Promise.all((await metricsOf(name)).filter(m => !/^(up|latency|uptime|cpu-|load|memory-used$)/.test(m))
      .map(m => single(name, m, since))));
  return Promise.all((await metricsOf(name)).map(m => check && m === 'latency'
    ? latency(check, since) : single(name, m, since)));
}

/* ---- showing them ---- */

export function place(box, list) {
  const columns = Math.max(1, Math.floor((box.clientWidth + 13) / (368 + 13)));
  const width = Math.max(240, Math.round(box.clientWidth / columns - 13 - 28));
  box.replaceChildren(...list.map(c => draw(c, width)));
}

async function refresh() {
  if (!known || busy) return;
  busy = true;
  const mine = ++serial, subject = at('subject').value;
  try {
    const list = subject ? await ofObject(subject, range) : await overview(range);
    if (mine === serial && !at('charts').contains(document.activeElement)) place(at('charts'), list);
    at('no-charts').hidden = true;
  } catch (e) {
    at('no-charts').textContent = `No charts: ${e.message}.`;
    at('no-charts').hidden = false;
  }
  busy = false;
}

function again() {
  serial++;
  busy = false;
  refresh();
}

export function status(s) {
  const first = !known;
  const names = ['services', 'checks', 'routes'].flatMap(k => s[k].map(o => o.name));
  if (first || names.join() !== ['services', 'checks', 'routes'].flatMap(k => known[k].map(o => o.name)).join()) {
    const chosen = at('subject').value;
    at('subject').replaceChildren(el('option', { value: '' }, 'what matters'),
      ...names.sort().map(n => el('option', { value: n }, n)));
    at('subject').value = names.includes(chosen) ? chosen : '';
    metricNames.clear();
  }
  known = s;
  if (first) refresh();
}

export function begin(given) {
  hooks = given;
  at('ranges').append(...ranges.map(([text, since]) => el('label', {},
    el('input', { type: 'radio', name: 'range', value: since, checked: since === range,
      onchange: () => { range = since; again(); } }), text)));
  at('subject').onchange = again;
  addEventListener('resize', () => { clearTimeout(begin.late); begin.late = setTimeout(again, 200); });
  setInterval(() => { if (!document.hidden) refresh(); }, refreshMs);
}
