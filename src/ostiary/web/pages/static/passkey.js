// Passkeys: ask the browser for one and send its answer with the form. Without this script the forms stay hidden,
// and password and code go on as before.
const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (each) => each.charCodeAt(0));
const text = (buffer) =>
  btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
const described = (list) => list.map((each) => ({ ...each, id: bytes(each.id) }));

const SAID = {
  NotAllowedError: "No passkey was used: it was cancelled, took too long, or none here fits.",
  InvalidStateError: "This device has a passkey for your account already.",
  ConstraintError: "This device cannot check that it is you. Set up its screen lock or PIN, or use another one.",
  NotSupportedError: "This device makes no passkey of a kind that is accepted here.",
};

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
    trouble.textContent = SAID[error.name] || "That did not work. Please try again.";
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
