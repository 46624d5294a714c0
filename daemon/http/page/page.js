"use strict";
// Speaks through /v1/audio/speech: 16-bit samples are played on the sound
// device's own clock while they arrive, each block where the one before ends.

const RATE = 24000;
const LEAD = 0.05; // seconds between the first block and its sound
const at = (id) => document.getElementById(id);
let context = null;
let turn = null; // what is being spoken: {abort, sources, start, end, peaks}

function show(status, error = "") {
  at("status").textContent = status;
  at("error").textContent = error;
}

function setBusy(busy) {
  at("stop").disabled = !busy;
  at("speak").textContent = busy ? "Speak anew" : "Speak";
}

function headers() {
  const token = at("token").value;
  return token ? { Authorization: "Bearer " + token } : {};
}

async function sentenceOf(response) {
  if (response.status === 401) at("token-field").hidden = false;
  try {
    return (await response.json()).error.message;
  } catch {
    return "the server answered " + response.status;
  }
}

async function listVoices() {
  const response = await fetch("/v1/audio/voices", { headers: headers() });
  if (!response.ok) {
    show("Ready.", await sentenceOf(response));
    return;
  }
  const select = at("voice");
  const chosen = select.value;
  select.length = 1;
  for (const voice of (await response.json()).voices) {
    const label = voice.name + (voice.description ? ": " + voice.description : "");
    select.add(new Option(label, voice.name));
  }
  select.value = chosen;
}

// Bytes to samples; an odd byte waits for its other half.
function samplesOf(bytes, rest) {
  const all = new Uint8Array(rest.length + bytes.length);
  all.set(rest);
  all.set(bytes, rest.length);
  const n = all.length >> 1;
  const view = new DataView(all.buffer);
  const samples = new Float32Array(n);
  for (let i = 0; i < n; i++) samples[i] = view.getInt16(2 * i, true) / 32768;
  return [samples, all.slice(2 * n)];
}

function play(mine, samples) {
  if (!samples.length) return;
  const buffer = context.createBuffer(1, samples.length, RATE);
  buffer.copyToChannel(samples, 0);
  const source = context.createBufferSource();
  source.buffer = buffer;
  source.connect(context.destination);
  if (mine.end === null || mine.end < context.currentTime) {
    const start = context.currentTime + LEAD;
    if (mine.end === null) mine.start = start;
    else mine.gaps++;
    mine.end = start;
  }
  source.start(mine.end);
  mine.sources.push(source);
  source.onended = () => mine.sources.splice(mine.sources.indexOf(source), 1);
  for (let i = 0; i < samples.length; i += 240) {
    let peak = 0;
    for (let k = i; k < Math.min(i + 240, samples.length); k++) peak = Math.max(peak, Math.abs(samples[k]));
    mine.peaks.push([mine.end + i / RATE, peak]);
  }
  mine.end += samples.length / RATE;
  mine.samples += samples.length;
}

function draw() {
  const canvas = at("wave");
  const pen = canvas.getContext("2d");
  const now = context ? context.currentTime : 0;
  pen.clearRect(0, 0, canvas.width, canvas.height);
  pen.fillStyle = getComputedStyle(canvas).color;
  const middle = canvas.height / 2;
  pen.fillRect(0, middle - 0.5, canvas.width, 1);
  if (turn) {
    for (const [time, peak] of turn.peaks) {
      const x = canvas.width - (now - time) * 180;
      if (time > now || x < 0) continue;
      pen.fillRect(x, middle - peak * middle, 1.5, Math.max(1, 2 * peak * middle));
    }
    const heard = turn.start === null ? 0 : Math.max(0, Math.min(now, turn.end) - turn.start);
    at("heard").textContent = heard.toFixed(1) + " s";
    if (turn.complete && now >= turn.end) finish();
  }
  if (turn) requestAnimationFrame(draw);
}

function finish() {
  document.body.dataset.samples = turn.samples;
  document.body.dataset.gaps = turn.gaps;
  turn = null;
  setBusy(false);
  show("Done.");
}

function stop(said) {
  if (!turn) return;
  turn.abort.abort();
  for (const source of turn.sources) {
    source.onended = null;
    source.stop();
  }
  turn = null;
  setBusy(false);
  if (said) show("Stopped.");
}

async function read(mine, response) {
  const reader = response.body.getReader();
  let rest = new Uint8Array(0);
  for (;;) {
    const { done, value } = await reader.read();
    if (turn !== mine) return;
    if (done) break;
    let samples;
    [samples, rest] = samplesOf(value, rest);
    if (mine.start === null && samples.length) {
      at("first").textContent = Math.round(performance.now() - mine.asked) + " ms";
      show("Speaking.");
    }
    play(mine, samples);
  }
  mine.complete = true;
  if (mine.end === null) finish();
}

async function speak(event) {
  if (event) event.preventDefault();
  stop(false);
  context = context || new AudioContext({ sampleRate: RATE, latencyHint: "interactive" });
  await context.resume();
  const mine = { abort: new AbortController(), sources: [], peaks: [], start: null, end: null,
                 samples: 0, gaps: 0, complete: false, asked: performance.now() };
  turn = mine;
  setBusy(true);
  show("Asking.");
  requestAnimationFrame(draw);
  try {
    const response = await fetch("/v1/audio/speech", {
      method: "POST",
      signal: mine.abort.signal,
      headers: { "Content-Type": "application/json", ...headers() },
      body: JSON.stringify({ input: at("text").value, voice: at("voice").value, speed: Number(at("speed").value),
                             response_format: "pcm", latency: "lowest" }),
    });
    if (!response.ok) throw new Error(await sentenceOf(response));
    await read(mine, response);
  } catch (error) {
    if (turn !== mine) return; // it was stopped
    turn = null;
    setBusy(false);
    show("Not spoken.", error.message);
  }
}

at("form").addEventListener("submit", speak);
at("stop").addEventListener("click", () => { stop(true); at("text").focus(); });
at("speed").addEventListener("input", () => { at("speed-shown").textContent = Number(at("speed").value).toFixed(1); });
at("token").addEventListener("change", listVoices);
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") stop(true);
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) speak(event);
});
listVoices().catch((error) => show("Ready.", error.message));
