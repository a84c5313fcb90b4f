// The proof of an event, recomputed here: leaf hash of the event as recorded, the path up to the root (RFC 9162 section 2.1.3), that root and size in
// the checkpoint, and the checkpoint's Ed25519 signature (C2SP signed note). The server's word is not taken for any of it.
interface Proof {
  index: number;
  size: number;
  hashes: string[];
  envelope: string;
  checkpoint: string;
  key: string;
}

class Broken extends Error {}
type Bytes = Uint8Array<ArrayBuffer>;

const fromHex = (text: string): Bytes => Uint8Array.from(text.match(/../g) ?? [], (pair) => parseInt(pair, 16));
const fromBase64 = (text: string): Bytes => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
const toHex = (bytes: Bytes): string => [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");

async function sha256(...parts: Bytes[]): Promise<Bytes> {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return new Uint8Array(await crypto.subtle.digest("SHA-256", whole));
}

async function rootOf(proof: Proof): Promise<string> {
  let hash = await sha256(new Uint8Array([0]), new TextEncoder().encode(proof.envelope) as Bytes);
  let at = proof.index;
  let last = proof.size - 1;
  if (at > last) throw new Broken("the event's place is outside the tree");
  for (const step of proof.hashes) {
    if (last === 0) throw new Broken("the path is too long");
    const other = fromHex(step);
    if (at % 2 === 1 || at === last) {
      hash = await sha256(new Uint8Array([1]), other, hash);
      while (at % 2 === 0 && at !== 0) {
        at = Math.floor(at / 2);
        last = Math.floor(last / 2);
      }
    } else hash = await sha256(new Uint8Array([1]), hash, other);
    at = Math.floor(at / 2);
    last = Math.floor(last / 2);
  }
  if (last !== 0) throw new Broken("the path is too short");
  return toHex(hash);
}

/** What the checkpoint says, once its signature is checked; `signed` is false where this browser cannot check Ed25519. */
async function readCheckpoint(proof: Proof): Promise<{ size: number; root: string; signed: boolean }> {
  const [text = "", signatures = ""] = proof.checkpoint.split("\n\n");
  const [name, size, root] = text.split("\n");
  const line = /^— (\S+) (\S+)$/m.exec(signatures);
  const [keyName, , keyText] = splitKey(proof.key);
  if (!name || !size || !root || !line || line[1] !== keyName || name !== keyName) throw new Broken("the checkpoint cannot be read");
  const signature = fromBase64(line[2]!).slice(4);
  const stated = { size: Number(size), root: toHex(fromBase64(root)) };
  let key: CryptoKey;
  try {
    key = await crypto.subtle.importKey("raw", fromBase64(keyText).slice(1), { name: "Ed25519" }, false, ["verify"]);
  } catch {
    return { ...stated, signed: false };
  }
  const good = await crypto.subtle.verify({ name: "Ed25519" }, key, signature, new TextEncoder().encode(text + "\n"));
  if (!good) throw new Broken("the checkpoint's signature is wrong");
  return { ...stated, signed: true };
}

/** `<name>+<key id>+<base64>`; base64 may hold a plus sign of its own. */
function splitKey(text: string): [string, string, string] {
  const [name = "", id = "", ...rest] = text.split("+");
  return [name, id, rest.join("+")];
}

async function check(proof: Proof): Promise<string> {
  const root = await rootOf(proof);
  const checkpoint = await readCheckpoint(proof);
  if (checkpoint.size !== proof.size || checkpoint.root !== root) throw new Broken("the path does not lead to the checkpoint's root");
  const signed = checkpoint.signed ? "and checked its signature" : "but cannot check its signature itself";
  return `Your browser hashed the event, walked ${proof.hashes.length} steps to root ${root.slice(0, 12)}… of the signed checkpoint over ${proof.size} events, ${signed}.`;
}

async function verify(place: HTMLElement): Promise<void> {
  if (place.dataset.verdict || !crypto.subtle) return;
  place.dataset.verdict = "checking";
  const verdict = place.querySelector("[data-verdict-text]")!;
  const more = place.querySelector("[data-verdict-more]")!;
  const icon = place.querySelector(".verdict use")!;
  try {
    const proof = JSON.parse(place.dataset.proof!) as Proof;
    more.textContent = await check(proof);
    verdict.textContent = `Proven: in the log at place ${proof.index + 1} of ${proof.size}`;
    icon.setAttribute("href", icon.getAttribute("href")!.replace(/#.*/, "#done"));
    place.dataset.verdict = "good";
  } catch (error) {
    verdict.textContent = "This does not prove";
    more.textContent = error instanceof Broken ? `What is wrong: ${error.message}.` : "The proof could not be read.";
    icon.setAttribute("href", icon.getAttribute("href")!.replace(/#.*/, "#fail"));
    place.dataset.verdict = "bad";
  }
}

export function watchProof(): void {
  const look = () => {
    for (const place of document.querySelectorAll<HTMLElement>("[data-proof]")) void verify(place);
  };
  look();
  document.addEventListener("htmx:after:swap", look);
}
