"""`python -m barograph` is `barograph`."""

import sys

from ._command import main

sys.exit(main())
