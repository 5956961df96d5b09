// The seat is open in another window; if that was this very tab a moment ago, nobody needs to be asked.
"use strict";

const form = document.getElementById("again");
if (sessionStorage.getItem("callrouter.window") === form.dataset.owner) form.requestSubmit();
