// The link's token stands behind "#", which is never sent: move it into the form and out of the address.
const token = location.hash.slice(1);
if (/^[A-Za-z0-9_-]{20,64}$/.test(token)) {
  document.getElementById("token").value = token;
  history.replaceState(null, "", location.pathname);
  document.getElementById("password").focus();
}
