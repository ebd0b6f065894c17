// The pages are whole without this. Where scripts run, it starts the vendored frontend: the folding menu.
// A dynamic import, so that a server may give the file another name. A page opened from a disk may import nothing and stays as it is.
(function () {
  "use strict";
  var place = document.currentScript.getAttribute("data-frontend");
  if (location.protocol === "file:" || !("noModule" in HTMLScriptElement.prototype)) {
    return;
  }
  import(new URL(place, document.baseURI).href).then(function (frontend) {
    document.body.classList.add("js-enabled", "nhsuk-frontend-supported");
    frontend.initAll();
  });
})();
