// The console's script. Every page works without it; with it, pages are live, quicker and easier to drive from the keyboard.
import "htmx.org/dist/htmx.esm.js"; // puts `htmx` on window, where its extensions look for it
import "htmx.org/dist/ext/hx-csp.js";
import "htmx.org/dist/ext/hx-sse.js";
import { watchTimes } from "./times";
import { watchForms } from "./forms";
import { watchHolds } from "./hold";
import { watchKeys } from "./keys";
import { watchStream } from "./live";
import { watchPalette } from "./palette";
import { watchProof } from "./proof";
import { watchReview } from "./review";
import { watchTheme } from "./theme";

watchTimes();
watchForms();
watchHolds();
watchPalette();
watchKeys();
watchStream();
watchProof();
watchReview();
watchTheme();
