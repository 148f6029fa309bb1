"use strict";
// The printed address has the token after its #, which is never sent: it is put into the form, and
// taken out of the address before anything else can see it there.
function take() {
  const given = new URLSearchParams(location.hash.slice(1)).get("token");
  if (!given) return;
  history.replaceState(null, "", location.pathname);
  document.getElementById("token").value = given;
  document.querySelector("form").submit();
}
take();
// The address is given to a page that is open already.
addEventListener("hashchange", take);
