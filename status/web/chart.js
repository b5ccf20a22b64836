// A chart over time: lines with the band of their lowest and highest samples, or areas on top
// of each other; events marked; a cursor for the pointer and the arrow keys.
import { el, svg, value, clock } from './dom.js';

const height = 150, left = 58, bottom = 18, top = 6;
const names = 'abcd';

const known = v => v != null && !Number.isNaN(v);

function highest(chart) {
  let most = 0;
  const count = chart.series[0].values.length;
  for (let i = 0; i < count; i++) {
    let sum = 0;
    for (const s of chart.series) {
      const v = (chart.stacked ? s.values : s.high || s.values)[i];
      if (known(v)) {
        sum += v;
        most = Math.max(most, v);
      }
    }
    if (chart.stacked) most = Math.max(most, sum);
  }
  return most;
}

// 1, 2 or 5 times a power of ten, of bytes 2, 3 or 4 times one of two: what can be read off.
function round(most, unit) {
  if (most <= 0) return 1;
  if (unit.startsWith('bytes')) {
    const power = 2 ** Math.floor(Math.log2(most));
    return [1, 1.5, 2].map(n => n * power).find(n => n >= most * 0.999);
  }
  const power = 10 ** Math.floor(Math.log10(most));
  return [1, 2, 5, 10].map(n => n * power).find(n => n >= most * 0.999);
}

// Runs of known values as one path each: a gap stays a gap.
function runs(values, point) {
  const paths = [];
  let run = [];
  values.forEach((v, i) => {
    if (known(v)) run.push(point(i, v));
    else if (run.length) { paths.push(run); run = []; }
  });
  if (run.length) paths.push(run);
  return paths;
}

const line = points => points.length === 1 ? `M${points[0]}h2`
  : points.map((p, i) => `${i ? 'L' : 'M'}${p}`).join('');
const area = (upper, lower) => `${line(upper)}L${[...lower].reverse().join('L')}Z`;

function bandOf(series, x, y, tone) {
  if (!series.low || !series.high) return [];
  const both = series.values.map((v, i) => known(v) ? i : null);
  return runs(both, i => i).map(list => svg('path', { class: `area ${tone}`,
    d: area(list.map(i => `${x(i)},${y(series.high[i])}`), list.map(i => `${x(i)},${y(series.low[i])}`)) }));
}

function stack(chart, x, y) {
  const count = chart.series[0].values.length, base = new Array(count).fill(0), shapes = [];
  chart.series.forEach((s, n) => {
    const upper = base.map((b, i) => known(s.values[i]) ? b + s.values[i] : null);
    for (const list of runs(upper.map((v, i) => known(v) ? i : null), i => i))
      shapes.push(svg('path', { class: `area solid ${names[n]}`,
        d: area(list.map(i => `${x(i)},${y(upper[i])}`), list.map(i => `${x(i)},${y(base[i])}`)) }));
    upper.forEach((v, i) => { if (known(v)) base[i] = v; });
  });
  return shapes;
}

function grid(chart, width, y, most, since, until) {
  const shapes = [];
  for (const part of [0, 0.5, 1]) {
    const v = most * part;
    shapes.push(svg('line', { class: 'grid', x1: left, x2: width, y1: y(v), y2: y(v) }),
      svg('text', { class: 'axis', x: left - 6, y: Number(y(v)) + (part === 1 ? 9 : 4), 'text-anchor': 'end' },
        value(v, chart.unit)));
  }
  const days = until - since > 86400000;
  [[0, 'start'], [0.5, 'middle'], [1, 'end']].forEach(([part, anchor]) =>
    shapes.push(svg('text', { class: 'axis', x: left + (width - left) * part, y: height - 3,
      'text-anchor': anchor }, clock(since + (until - since) * part, days))));
  return shapes;
}

// What a screen reader says instead of the picture.
function summary(chart) {
  return `${chart.title}. ` + chart.series.map(s => {
    const all = s.values.filter(known);
    if (!all.length) return `${s.name}: nothing recorded`;
    return `${s.name}: now ${value(all[all.length - 1], chart.unit)}, ` +
      `lowest ${value(Math.min(...all), chart.unit)}, highest ${value(Math.max(...all), chart.unit)}`;
  }).join('; ') + (chart.marks.length ? `; ${chart.marks.length} events` : '');
}

/* chart: { title, unit, since, step (ms), series: [{ name, values, low, high }], marks:
   [{ time, tone, text }], stacked, most }; width in pixels */
export function draw(chart, width) {
  const count = chart.series[0].values.length;
  const since = chart.since, until = since + chart.step * count;
  const most = chart.most || round(highest(chart), chart.unit);
  const x = i => (left + (width - left) * (i + 0.5) / count).toFixed(1);
  const y = v => (top + (height - bottom - top) * (1 - Math.min(v, most) / most)).toFixed(1);
  const cursor = svg('line', { class: 'cursor', y1: top, y2: height - bottom, visibility: 'hidden' });
  const shapes = chart.stacked ? stack(chart, x, y)
    : [...chart.series.flatMap((s, n) => bandOf(s, x, y, names[n])),
      ...chart.series.flatMap((s, n) => runs(s.values, (i, v) => `${x(i)},${y(v)}`)
        .map(points => svg('path', { class: `line ${names[n]}`, d: line(points) })))];
  const marks = chart.marks.filter(m => m.time >= since && m.time <= until).map(m => {
    const place = (left + (width - left) * (m.time - since) / (until - since)).toFixed(1);
    return svg('line', { class: `mark-line ${m.tone}`, x1: place, x2: place, y1: top, y2: height - bottom },
      svg('title', {}, m.text));
  });
  const values = chart.series.map(() => el('b'));
  const when = el('span');
  const picture = svg('svg', { viewBox: `0 0 ${width} ${height}`, role: 'img', tabindex: 0,
    preserveAspectRatio: 'none', 'aria-label': summary(chart) },
    grid(chart, width, y, most, since, until), shapes, marks, cursor);

  let place = null;
  const show = i => {
    place = i;
    const index = i == null ? count - 1 : i;
    chart.series.forEach((s, n) => {
      let v = s.values[index];
      for (let k = index; i == null && !known(v) && k >= 0; k--) v = s.values[k];
      values[n].textContent = value(v, chart.unit);
    });
    when.textContent = i == null ? '' : clock(since + chart.step * i, until - since > 86400000, until - since <= 86400000);
    cursor.setAttribute('visibility', i == null ? 'hidden' : 'visible');
    if (i != null) { cursor.setAttribute('x1', x(i)); cursor.setAttribute('x2', x(i)); }
  };
  picture.addEventListener('pointermove', e => {
    const box = picture.getBoundingClientRect();
    const part = ((e.clientX - box.left) / box.width * width - left) / (width - left);
    show(Math.max(0, Math.min(count - 1, Math.floor(part * count))));
  });
  picture.addEventListener('pointerleave', () => show(null));
  picture.addEventListener('blur', () => show(null));
  picture.addEventListener('keydown', e => {
    const step = { ArrowLeft: -1, ArrowRight: 1, PageUp: -10, PageDown: 10 }[e.key];
    if (!step) return;
    e.preventDefault();
    show(Math.max(0, Math.min(count - 1, (place == null ? count - 1 : place) + step)));
  });
  show(null);
  return el('figure', {}, el('figcaption', {}, chart.title, when), picture,
    el('ul', { class: 'legend' }, chart.series.map((s, n) =>
      el('li', { class: names[n] }, `${s.name} `, values[n]))));
}
