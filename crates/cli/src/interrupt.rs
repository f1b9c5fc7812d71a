//! Ctrl-C: once ends the training after its step, twice ends the program at once.
use crate::exit::INTERRUPTED;
use crate::screen;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

/// The flag that Ctrl-C (or SIGTERM) raises. The first call begins to listen.
///
/// Where somebody else listens already, such as a host program, the flag stays down and theirs is the say.
pub(crate) fn flag() -> Arc<AtomicBool> {
    static FLAG: OnceLock<Arc<AtomicBool>> = OnceLock::new();
    let flag = FLAG.get_or_init(|| {
        let flag = Arc::new(AtomicBool::new(false));
        let raised = Arc::clone(&flag);
        // The log needs no farewell: what was appended is in the file already.
        let _ = ctrlc::set_handler(move || {
            if raised.swap(true, Ordering::Relaxed) {
                std::process::exit(i32::from(INTERRUPTED));
            }
            screen::say("\ninterrupted: ending after this step (again: at once)");
        });
        flag
    });
    Arc::clone(flag)
}
