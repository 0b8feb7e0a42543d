// From the payload's JSON to arrays. Nothing of it is ever read as HTML.

export function bytesOf(text) {
  const raw = atob(text);
  const bytes = new Uint8Array(raw.length);
  for (let i = 0; i < raw.length; i += 1) bytes[i] = raw.charCodeAt(i);
  return bytes.buffer;
}

const int16 = (text) => (text ? new Int16Array(bytesOf(text)) : null);
const int32 = (text) => new Int32Array(bytesOf(text));
const uint8 = (text) => (text ? new Uint8Array(bytesOf(text)) : null);

/** Return the clip that the page works on. */
export function decoded(data) {
  return {
    clipId: data.clip.clip_id,
    species: data.clip.species,
    fps: data.clip.fps,
    stream: data.stream,
    blind: data.blind,
    window: data.window,
    classes: data.classes,
    segments: data.segments ?? [],
    frameNumbers: int32(data.frame_numbers),
    times: int32(data.times),
    given: int16(data.given),
    suggested: int16(data.suggested),
    probability: uint8(data.probability),
    quality: uint8(data.quality),
    pictures: uint8(data.pictures),
    poses: poses(data.poses, data.keypoints.length),
    keypoints: data.keypoints,
    edges: data.edges,
    sides: data.sides,
  };
}

/** Return packed poses with a way to read one keypoint. */
export function poses(packed, keypoints) {
  const xy = int16(packed.xy);
  return { xy, known: uint8(packed.known), unit: packed.unit, box: packed.box, keypoints };
}

export const INTERPOLATED = 1;
export const MISSING = 2;
export const LOW_CONFIDENCE = 3;
