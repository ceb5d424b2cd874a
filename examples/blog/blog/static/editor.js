// The editor's comfort: a live preview, and images added where the cursor is. Without this script
// the form saves all the same, and images are added in the library.

const form = document.querySelector("form.editor");
const text = form.elements.markdown;
const note = form.querySelector("[data-note]");
const shown = form.querySelector("[data-preview-here]");
const chooser = form.querySelector("#upload");
const headers = { "X-CSRFToken": form.elements.csrf_token.value, "Accept": "application/json" };
const SIGNED_OUT = "You are no longer signed in. Your text is still here: log in on another tab, then save.";

// Without the session the token is wrong, and with a session that has ended the answer is the login.
const isSignedOut = (answer) => answer.type === "opaqueredirect" || answer.status === 400;

for (const element of form.querySelectorAll("[data-with-script]")) element.hidden = false;
document.documentElement.classList.add("with-preview");

// -- preview ---------------------------------------------------------------------------------

const PAUSE_MS = 300;
let timer;
let asked; // the request whose answer is wanted: an older one must not overwrite it

let told = "";
function tellOfPreview(problem) {
  if (problem || note.textContent === told) note.textContent = problem;
  told = problem;
}

async function preview() {
  asked?.abort();
  asked = new AbortController();
  try {
    const answer = await fetch(form.dataset.preview, {
      method: "POST",
      headers: { ...headers, "Content-Type": "application/json" },
      body: JSON.stringify({ markdown: text.value }),
      redirect: "manual",
      signal: asked.signal,
    });
    if (answer.ok) shown.innerHTML = await answer.text(); // sanitised by the server
    tellOfPreview(answer.ok ? "" : isSignedOut(answer) ? SIGNED_OUT : "No preview: the site cannot make one now.");
  } catch (error) {
    if (error.name !== "AbortError") tellOfPreview("No preview: the site does not answer.");
  }
}

text.addEventListener("input", () => {
  clearTimeout(timer);
  timer = setTimeout(preview, PAUSE_MS);
});
if (text.value && !shown.hasChildNodes()) preview();

// -- images ----------------------------------------------------------------------------------

/** Put text where the cursor is, as typed: undo takes it back. Select `part` of it. */
function insert(markdown, part = "") {
  text.focus();
  if (!document.execCommand("insertText", false, markdown)) text.setRangeText(markdown, text.selectionStart, text.selectionEnd, "end");
  if (part) {
    const start = text.selectionEnd - markdown.length + markdown.indexOf(part);
    text.setSelectionRange(start, start + part.length);
  }
  text.dispatchEvent(new Event("input"));
}

/** Send one image; return what to tell the writer, or "" if it is in the text. */
async function upload(file, isLast) {
  const most = Number(form.dataset.mostBytes);
  const tooLarge = `“${file.name}” is larger than this site takes (${Math.floor(most / 1048576)} MB).`;
  if (most && file.size > most) return tooLarge;
  const body = new FormData();
  body.append("image", file, file.name);
  const answer = await fetch(form.dataset.upload, { method: "POST", headers, body, redirect: "manual" });
  if (isSignedOut(answer)) return SIGNED_OUT;
  if (answer.status === 413) return tooLarge;
  const kept = await answer.json();
  if (!answer.ok) return kept.message || kept.error;
  const alt = (kept.alt || kept.name).replace(/[\\[\]]/g, " ");
  insert(`![${alt}](${kept.address})\n`, isLast ? alt : "");
  return "";
}

async function uploadAll(files) {
  const problems = [];
  for (const file of files) {
    note.textContent = `Uploading “${file.name}” …`;
    try {
      problems.push(await upload(file, file === files.at(-1)));
    } catch {
      problems.push(`“${file.name}” did not arrive: the site does not answer.`);
    }
  }
  note.textContent = problems.filter(Boolean).join(" ") || "Added. Say in the brackets what it shows.";
}

chooser.addEventListener("change", async () => {
  await uploadAll([...chooser.files]);
  chooser.value = "";
});

for (const [event, source] of [["drop", "dataTransfer"], ["paste", "clipboardData"]]) {
  text.addEventListener(event, (happened) => {
    const files = [...happened[source].files].filter((file) => file.type.startsWith("image/"));
    if (!files.length) return;
    happened.preventDefault();
    uploadAll(files);
  });
}

// -- leaving ---------------------------------------------------------------------------------

let changed = false;
form.addEventListener("input", () => { changed = true; });
form.addEventListener("submit", () => { changed = false; });
addEventListener("beforeunload", (leaving) => { if (changed) leaving.preventDefault(); });
