// Operations and what follows from them. The same rules as pipeline/review/replay.py; tests/vectors/replay.json holds both to them.
//
// An operation is one act: {operation_id, at, spans: [[first frame, last frame, code]], undoes, note}. It is active unless a
// later active one undoes it. Active spans are laid over each other in order; a frame that none covers is not reviewed.

export const NOT_REVIEWED = -1;
export const UNSURE = -2;
export const EXCLUDED = -3;

/** Tell for every operation whether it is in force. */
function activeFlags(operations) {
  const place = new Map();
  operations.forEach((operation, i) => place.set(operation.operation_id, i));
  const active = new Array(operations.length).fill(true);
  for (let i = operations.length - 1; i >= 0; i -= 1) {
    const target = operations[i].undoes ? place.get(operations[i].undoes) : undefined;
    // An undo reaches only backwards.
    if (active[i] && target !== undefined && target < i) active[target] = false;
  }
  return active;
}

/** Return the code of every frame after the operations. */
export function replay(operations, frameNumbers) {
  const codes = new Int16Array(frameNumbers.length).fill(NOT_REVIEWED);
  const active = activeFlags(operations);
  operations.forEach((operation, i) => {
    if (!active[i] || operation.undoes) return;
    for (const [start, end, code] of operation.spans) {
      if (code === null || code === undefined) continue;
      codes.fill(code, lowerBound(frameNumbers, start), upperBound(frameNumbers, end));
    }
  });
  return codes;
}

/** Return the operation of this identifier where it is in force, else null. */
export function inForce(operations, id) {
  const at = operations.findIndex((operation) => operation.operation_id === id);
  return at >= 0 && activeFlags(operations)[at] ? operations[at] : null;
}

/** Return the newest act of this reviewer that can be taken back, or null. */
export function undoable(operations, reviewer) {
  const active = activeFlags(operations);
  return operations.findLast((operation, i) => active[i] && !operation.undoes && isOf(operation, reviewer)) ?? null;
}

/** Return the newest undo that can be undone in its turn: nothing may have been painted since. */
export function redoable(operations, reviewer) {
  const active = activeFlags(operations);
  const byId = new Map(operations.map((operation) => [operation.operation_id, operation]));
  for (let i = operations.length - 1; i >= 0; i -= 1) {
    const operation = operations[i];
    if (!isOf(operation, reviewer)) continue;
    if (!operation.undoes) return null;
    const target = byId.get(operation.undoes);
    if (active[i] && target && !target.undoes) return operation;
  }
  return null;
}

/** Return the notes in force, by their first frame. */
export function notes(operations) {
  const active = activeFlags(operations);
  return operations
    .filter((operation, i) => active[i] && !operation.undoes && operation.note && operation.spans.some((span) => span[2] === null))
    .map((operation) => ({ id: operation.operation_id, start: operation.spans[0][0], end: operation.spans[0][1], text: operation.note }))
    .sort((a, b) => a.start - b.start);
}

/** Return runs of equal codes as [first index, last index, code]. */
export function runs(codes) {
  const found = [];
  for (let i = 0; i < codes.length; ) {
    let j = i;
    while (j + 1 < codes.length && codes[j + 1] === codes[i]) j += 1;
    found.push([i, j, codes[i]]);
    i = j + 1;
  }
  return found;
}

/** Return the operation with its codes meaning the same in another list of classes, or null where a class is missing there. */
export function translated(operation, from, to) {
  const spans = operation.spans.map(([start, end, code]) => {
    if (code === null || code < 0) return [start, end, code];
    const place = to.indexOf(from[code]);
    return place < 0 ? null : [start, end, place];
  });
  return spans.includes(null) ? null : { ...operation, spans };
}

/** Return the first place whose value is not below `value`. */
export function lowerBound(sorted, value) {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle] < value) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Return the first place whose value is above `value`. */
export function upperBound(sorted, value) {
  return lowerBound(sorted, value + 1);
}

function isOf(operation, reviewer) {
  return operation.reviewer === undefined || operation.reviewer === null || operation.reviewer === reviewer;
}
