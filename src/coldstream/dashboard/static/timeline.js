"use strict";
// Every chunk on a line of time. Filled: what it takes in its tier; outline: what it takes as rows.
(() => {
  const canvas = document.getElementById("timeline");
  const detail = document.getElementById("detail");
  const legend = document.getElementById("legend");
  const TIERS = ["open", "hot", "warm", "rehydrated", "cold", "gone"];
  const KEYS = ["from", "to", "tier", "state", "bytes", "rows", "columnstore", "archive", "messages", "first", "last", "verified", "kept", "part"];
  const LEFT = 56, RIGHT = 12, TOP = 10, BOTTOM = 34, STATE = 5;
  let chunks = [], now = 0, view = null, chosen = -1, hovered = -1, drag = null, colours = {};

  const style = () => getComputedStyle(document.documentElement);
  const readColours = () => {
    const found = style();
    for (const name of [...TIERS, "ink", "soft", "faint", "line", "line-soft", "card", "accent", "good", "bg"]) colours[name] = found.getPropertyValue("--" + name).trim();
  };
  const bytes = (value) => {
    if (value === null) return "–";
    const units = ["B", "kB", "MB", "GB", "TB", "PB"];
    let unit = 0;
    while (value >= 1000 && unit < units.length - 1) { value /= 1000; unit += 1; }
    return `${unit && value < 100 ? value.toFixed(1) : Math.round(value)} ${units[unit]}`;
  };
  const count = (value) => (value === null ? "–" : value.toLocaleString("en"));
  const time = (ms) => (ms === null ? "–" : new Date(ms).toISOString().slice(0, 16).replace("T", " "));
  const all = () => {
    if (!chunks.length) return [now - 86400000, now];
    let from = Infinity, to = -Infinity;
    for (const each of chunks) { from = Math.min(from, each.from); to = Math.max(to, each.to); }
    return [from, Math.max(to, now)];
  };

  function scale() {
    const [from, to] = view || all();
    const width = canvas.clientWidth - LEFT - RIGHT;
    let top = 1;
    for (const each of chunks) if (each.to > from && each.from < to) top = Math.max(top, each.bytes, each.rows || 0);
    const height = canvas.clientHeight - TOP - BOTTOM;
    return {
      from, to, top,
      x: (ms) => LEFT + ((ms - from) / (to - from || 1)) * width,
      ms: (x) => from + ((x - LEFT) / width) * (to - from),
      h: (value) => (value ? Math.max(2, (value / top) * height) : 0),
      base: TOP + height, height, width,
    };
  }

  function ticks(from, to, most) {
    const day = 86400000, steps = [60000, 300000, 900000, 3600000, 3 * 3600000, 6 * 3600000, 12 * 3600000, day, 2 * day, 7 * day, 14 * day, 30 * day, 91 * day, 182 * day, 365 * day, 730 * day, 1825 * day, 3650 * day];
    const step = steps.find((each) => (to - from) / each <= most) || steps[steps.length - 1];
    const found = [];
    if (step >= 30 * day) {
      const months = Math.max(1, Math.round(step / (30.4 * day))), start = new Date(from);
      let month = Math.floor((start.getUTCFullYear() * 12 + start.getUTCMonth()) / months) * months;
      for (;; month += months) {
        const ms = Date.UTC(Math.floor(month / 12), month % 12, 1);
        if (ms > to) break;
        if (ms >= from) found.push([ms, months >= 12 ? String(Math.floor(month / 12)) : new Date(ms).toISOString().slice(0, 7)]);
      }
    } else {
      for (let ms = Math.ceil(from / step) * step; ms <= to; ms += step) {
        const text = new Date(ms).toISOString();
        found.push([ms, step >= day ? text.slice(5, 10) : text.slice(11, 16) === "00:00" ? text.slice(5, 10) : text.slice(11, 16)]);
      }
    }
    return found;
  }

  function render() {
    const ratio = window.devicePixelRatio || 1, width = canvas.clientWidth, height = canvas.clientHeight;
    if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
      canvas.width = Math.round(width * ratio);
      canvas.height = Math.round(height * ratio);
    }
    const context = canvas.getContext("2d"), s = scale();
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, width, height);
    context.font = "11px system-ui, 'DejaVu Sans', sans-serif";
    context.textBaseline = "middle";
    context.lineWidth = 1;
    for (let part = 0; part <= 2; part += 1) {
      const y = Math.round(s.base - (s.height * part) / 2) + 0.5;
      context.strokeStyle = part ? colours["line-soft"] : colours.line;
      context.beginPath(); context.moveTo(LEFT, y); context.lineTo(width - RIGHT, y); context.stroke();
      context.fillStyle = colours.soft; context.textAlign = "right";
      context.fillText(part ? bytes((s.top * part) / 2) : "0", LEFT - 8, y);
    }
    context.textAlign = "center";
    for (const [ms, text] of ticks(s.from, s.to, Math.max(2, width / 110))) {
      const x = s.x(ms);
      if (x < LEFT + 14 || x > width - RIGHT - 14) continue;
      context.fillStyle = colours.soft;
      context.fillText(text, x, s.base + STATE + 18);
    }
    context.save();
    context.beginPath(); context.rect(LEFT, 0, s.width, height); context.clip();
    const place = (each) => {
      const x = s.x(each.from), w = s.x(each.to) - x, gap = w > 6 ? 1.5 : w > 3 ? 0.6 : 0;
      return [x + gap / 2, Math.max(0.75, w - gap)];
    };
    const seen = chunks.filter((each) => each.to > s.from && each.from < s.to);
    // What each would take as rows, below all that they take.
    context.fillStyle = colours["line-soft"];
    for (const each of seen) {
      if (each.rows && each.tier !== "gone" && each.rows > each.bytes) { const [x, w] = place(each), h = s.h(each.rows); context.fillRect(x, s.base - h, w, h); }
    }
    context.strokeStyle = colours.line;
    for (const each of seen) {
      if (each.rows && each.tier !== "gone" && each.rows > each.bytes) {
        const [x, w] = place(each), h = s.h(each.rows);
        if (w > 4) context.strokeRect(x + 0.5, s.base - h + 0.5, w - 1, h);
        else { context.fillStyle = colours.line; context.fillRect(x, s.base - h, w, 1); }
      }
    }
    for (const each of seen) {
      const [x, w] = place(each);
      context.fillStyle = colours[each.tier];
      const h = each.tier === "gone" ? 3 : s.h(each.bytes);
      context.fillRect(x, s.base - h, w, h);
      // The strip below says what of it is proved to be in the archive.
      context.globalAlpha = each.state === "verified" || each.state === "dropped" || each.state === "rehydrated" ? 1 : each.state === "exported" ? 0.5 : 0.16;
      context.fillStyle = colours.cold;
      context.fillRect(x, s.base + 5, w, STATE);
      context.globalAlpha = 1;
    }
    const mark = (index, colour, thick) => {
      const each = chunks[index];
      if (!each) return;
      const [x, w] = place(each), h = Math.max(s.h(each.bytes), s.h(each.rows), 6);
      context.strokeStyle = colour; context.lineWidth = thick;
      context.strokeRect(x - 1.5, s.base - h - 2, Math.max(w, 2) + 3, h + 5 + STATE + 4);
      context.lineWidth = 1;
    };
    if (hovered !== chosen) mark(hovered, colours.faint, 1.5);
    mark(chosen, colours.ink, 2);
    if (now > s.from && now < s.to) {
      const x = Math.round(s.x(now)) + 0.5;
      context.strokeStyle = colours.faint; context.setLineDash([3, 3]);
      context.beginPath(); context.moveTo(x, TOP - 6); context.lineTo(x, s.base); context.stroke(); context.setLineDash([]);
    }
    if (drag && Math.abs(drag.x - drag.from) > 3) {
      context.fillStyle = colours.accent; context.globalAlpha = 0.15;
      context.fillRect(Math.min(drag.from, drag.x), TOP, Math.abs(drag.x - drag.from), s.height); context.globalAlpha = 1;
    }
    context.restore();
  }

  let waiting = false;
  const later = () => { if (!waiting) { waiting = true; requestAnimationFrame(() => { waiting = false; render(); }); } };

  function say() {
    const each = chunks[hovered >= 0 ? hovered : chosen];
    detail.replaceChildren();
    const add = (label, value) => {
      const span = document.createElement("span"), bold = document.createElement("b");
      bold.textContent = value;
      span.append(label ? label + " " : "", bold);
      detail.append(span);
    };
    if (!each) {
      if (chunks.length) add("", `${count(chunks.length)} chunks, ${time(all()[0])} to ${time(all()[1])}`);
      else add("", "No chunk yet");
      return;
    }
    const badge = document.createElement("span");
    badge.className = `tier t-${each.tier}`;
    badge.textContent = each.tier;
    detail.append(badge);
    add("", `${time(each.from)} – ${time(each.to)}`);
    add("state", each.state);
    add("takes", bytes(each.bytes));
    if (each.rows !== null && each.rows > each.bytes) add("as rows", bytes(each.rows) + (each.bytes ? ` (${(each.rows / each.bytes).toFixed(1)}x)` : ""));
    if (each.archive !== null) add("in the archive", bytes(each.archive));
    add("messages", each.messages === null ? "not counted yet" : count(each.messages));
    if (each.first !== null) add("positions", `${count(each.first)} – ${count(each.last)}`);
    if (each.verified !== null) add("proved", time(each.verified));
    if (each.kept !== null) add("kept until", time(each.kept));
    if (each.part !== null) add("back in part", count(each.part));
  }

  function at(x) {
    const s = scale(), ms = s.ms(x), near = (s.to - s.from) / s.width * 3;
    let best = -1, distance = near;
    // Chunks are in the order of their beginnings; few overlap.
    let low = 0, high = chunks.length;
    while (low < high) { const middle = (low + high) >> 1; if (chunks[middle].from <= ms) low = middle + 1; else high = middle; }
    for (let index = Math.min(low, chunks.length - 1); index >= Math.max(0, low - 12); index -= 1) {
      const each = chunks[index], d = ms < each.from ? each.from - ms : ms > each.to ? ms - each.to : 0;
      if (d < distance || (d === 0 && best < 0)) { best = index; distance = d; if (d === 0) break; }
    }
    return best;
  }

  function zoom(factor, around) {
    const [from, to] = view || all(), middle = around ?? (chosen >= 0 ? (chunks[chosen].from + chunks[chosen].to) / 2 : (from + to) / 2);
    const span = Math.max(60000, (to - from) * factor), share = (middle - from) / (to - from || 1), [first, last] = all();
    if (span >= last - first) { view = null; return; }
    const begin = Math.min(Math.max(first, middle - span * Math.min(Math.max(share, 0), 1)), last - span);
    view = [begin, begin + span];
  }

  function choose(index) {
    if (!chunks.length) return;
    chosen = Math.min(Math.max(index, 0), chunks.length - 1);
    hovered = -1;
    const each = chunks[chosen];
    if (view && (each.from < view[0] || each.to > view[1])) {
      const span = view[1] - view[0], middle = (each.from + each.to) / 2;
      view = [middle - span / 2, middle + span / 2];
    }
  }

  canvas.addEventListener("keydown", (event) => {
    const none = chosen < 0, act = {
      ArrowLeft: () => choose(none ? chunks.length - 1 : chosen - 1), ArrowRight: () => choose(none ? 0 : chosen + 1),
      PageUp: () => choose((none ? chunks.length : chosen) - 10), PageDown: () => choose(chosen + 10),
      Home: () => choose(0), End: () => choose(chunks.length - 1),
      "+": () => zoom(0.5), "=": () => zoom(0.5), "-": () => zoom(2), 0: () => { view = null; },
      Escape: () => { chosen = -1; view = null; },
    }[event.key];
    if (!act || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    act(); say(); later();
  });
  canvas.addEventListener("pointermove", (event) => {
    if (drag) drag.x = event.offsetX;
    const found = at(event.offsetX);
    if (found !== hovered || drag) { hovered = found; say(); later(); }
  });
  canvas.addEventListener("pointerleave", () => { hovered = -1; say(); later(); });
  canvas.addEventListener("pointerdown", (event) => {
    if (event.button) return;
    drag = { from: event.offsetX, x: event.offsetX };
    canvas.setPointerCapture(event.pointerId);
  });
  canvas.addEventListener("pointercancel", () => { drag = null; later(); });
  canvas.addEventListener("pointerup", (event) => {
    if (!drag) return;
    const { from } = drag, to = event.offsetX, s = scale();
    drag = null;
    if (Math.abs(to - from) > 8) view = [s.ms(Math.min(from, to)), s.ms(Math.max(from, to))];
    else chosen = at(to);
    say(); later();
  });
  canvas.addEventListener("dblclick", () => { view = null; later(); });
  canvas.addEventListener("wheel", (event) => {
    if (!event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    zoom(event.deltaY > 0 ? 1.25 : 0.8, scale().ms(event.offsetX)); later();
  }, { passive: false });

  function tell() {
    legend.replaceChildren();
    for (const tier of TIERS) {
      const of = chunks.filter((each) => each.tier === tier);
      if (!of.length) continue;
      const item = document.createElement("li"), box = document.createElement("i"), bold = document.createElement("b");
      item.className = `t-${tier}`;
      bold.textContent = count(of.length);
      item.append(box, tier + " ", bold);
      legend.append(item);
    }
    const item = document.createElement("li"), box = document.createElement("i");
    item.className = "t-cold"; box.className = "strip";
    item.append(box, "strip below: in the archive");
    legend.append(item);
  }

  async function load() {
    const answer = await fetch("/data/timeline", { headers: { Accept: "application/json" } }).catch(() => null);
    if (!answer || !answer.ok) return;
    const found = await answer.json(), began = performance.now();
    const key = chosen >= 0 && chunks[chosen] ? chunks[chosen].from : null;
    now = found.now;
    chunks = found.chunks.map((row) => Object.fromEntries(KEYS.map((name, index) => [name, row[index]])));
    chosen = key === null ? -1 : chunks.findIndex((each) => each.from === key);
    hovered = -1;
    tell(); say(); render();
    // For whoever measures: how long it took from the answer to the picture.
    canvas.dataset.chunks = String(chunks.length);
    canvas.dataset.milliseconds = String(Math.round((performance.now() - began) * 10) / 10);
  }

  readColours();
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { readColours(); later(); });
  new ResizeObserver(later).observe(canvas);
  load();
  setInterval(() => { if (!document.hidden && !drag && hovered < 0) load(); }, 10000);
})();
