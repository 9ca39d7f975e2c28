// Passkeys: ask the browser for one and send its answer with the form. Without this script the forms stay hidden,
// and password and code go on as before.
const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (each) => each.charCodeAt(0));
const text = (buffer) =>
  btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
const described = (list) => list.map((each) => ({ ...each, id: bytes(each.id) }));

async function create(options) {
  const made = await navigator.credentials.create({
    publicKey: {
      ...options,
      challenge: bytes(options.challenge),
      user: { ...options.user, id: bytes(options.user.id) },
      excludeCredentials: described(options.excludeCredentials),
    },
  });
  return shown(made, {
    attestationObject: text(made.response.attestationObject),
    transports: made.response.getTransports ? made.response.getTransports() : [],
  });
}

async function get(options) {
  const found = await navigator.credentials.get({
    publicKey: { ...options, challenge: bytes(options.challenge), allowCredentials: described(options.allowCredentials) },
  });
  const { authenticatorData, signature, userHandle } = found.response;
  return shown(found, {
    authenticatorData: text(authenticatorData),
    signature: text(signature),
    userHandle: userHandle ? text(userHandle) : undefined,
  });
}

function shown(credential, response) {
  response.clientDataJSON = text(credential.response.clientDataJSON);
  return JSON.stringify({ id: credential.id, rawId: credential.id, type: credential.type, response, clientExtensionResults: {} });
}

async function ask(form) {
  const trouble = form.querySelector("[data-trouble]");
  trouble.hidden = true;
  try {
    const options = JSON.parse(form.dataset.options);
    form.elements.namedItem("credential").value = await (form.dataset.passkey === "create" ? create : get)(options);
    form.submit();
  } catch (error) {
    const said = JSON.parse(form.dataset.said);
    trouble.textContent = said[error.name] || said.other;
    trouble.hidden = false;
  }
}

// A form that takes a passkey in the place of a code: all else must be filled in before the browser makes one.
function beside(form) {
  const { totp, username, display } = form.elements;
  totp.required = false;
  const filled = form.reportValidity();
  totp.required = true;
  if (!filled) return;
  const options = JSON.parse(form.dataset.options);
  options.user = { ...options.user, name: username.value, displayName: display.value };
  form.dataset.options = JSON.stringify(options);
  ask(form);
}

if (window.PublicKeyCredential) {
  for (const warning of document.querySelectorAll("[data-unable]")) warning.hidden = true;
  for (const form of document.querySelectorAll("form[data-passkey]:not([data-passkey-beside])")) {
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      ask(form);
    });
    form.hidden = false;
  }
  for (const place of document.querySelectorAll("[data-beside]")) {
    place.querySelector("button").addEventListener("click", () => beside(place.closest("form")));
    place.hidden = false;
  }
}
