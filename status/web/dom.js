// Elements, and what values look like to people. Text is only ever set as text: nothing that
// came from outside can become markup.

const svgSpace = 'http://www.w3.org/2000/svg';

function fill(node, attributes, children) {
  for (const [key, value] of Object.entries(attributes || {})) {
    if (key.startsWith('on')) node.addEventListener(key.slice(2), value);
    else if (value === true) node.setAttribute(key, '');
    else if (value !== false && value != null) node.setAttribute(key, value);
  }
  for (const child of children.flat())
    if (child != null) node.append(child instanceof Node ? child : document.createTextNode(child));
  return node;
}

export const el = (tag, attributes, ...children) =>
  fill(document.createElement(tag), attributes, children);
export const svg = (tag, attributes, ...children) =>
  fill(document.createElementNS(svgSpace, tag), attributes, children);
export const at = id => document.getElementById(id);

const tones = {
  up: 'good', primary: 'good', quiet: 'good', closed: 'good',
  degraded: 'warn', starting: 'warn', stopping: 'warn', held: 'warn', rerouted: 'warn',
  manual: 'warn', acked: 'warn',
  down: 'bad', failed: 'bad', failing: 'bad', backoff: 'bad', stuck: 'bad', firing: 'bad',
  open: 'bad',
};
export const toneOf = state => tones[state] || 'idle';
export const marks = { good: '●', warn: '▲', bad: '✖', idle: '○' };

export function bytes(n) {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let u = 0;
  while (Math.abs(n) >= 1024 && u < units.length - 1) { n /= 1024; u++; }
  return `${n >= 100 || u === 0 ? Math.round(n) : n.toFixed(1)} ${units[u]}`;
}

export function span(seconds) {
  const s = Math.max(0, Math.round(seconds));
  if (s < 60) return `${s} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min ${s % 60} s`;
  if (s < 86400) return `${Math.floor(s / 3600)} h ${Math.floor(s % 3600 / 60)} min`;
  return `${Math.floor(s / 86400)} d ${Math.floor(s % 86400 / 3600)} h`;
}

const short = n => Math.abs(n) >= 100 ? Math.round(n).toString()
  : Number(n.toPrecision(3)).toString();

export function value(n, unit) {
  if (n == null || Number.isNaN(n)) return '–';
  if (unit === 'bytes') return bytes(n);
  if (unit === 'bytes/s') return `${bytes(n)}/s`;
  if (unit === 'percent') return `${short(n)} %`;
  if (unit === 'ms') return n >= 10000 ? span(n / 1000) : `${short(n)} ms`;
  return short(n);
}

// Of the day as in mails and logs; days: it is long ago; seconds: they matter.
export const clock = (ms, days, seconds = false) => new Date(ms).toLocaleString([], { hourCycle: 'h23',
  hour: '2-digit', minute: '2-digit', ...(days && { month: 'short', day: 'numeric' }),
  ...(seconds && { second: '2-digit' }) });
