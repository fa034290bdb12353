// The list of sweeps: live.

import { live } from "./live.js";

live("/api/sweeps/stream");
