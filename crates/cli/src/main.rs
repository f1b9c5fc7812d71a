//! The binary `barograph`.

/// The system's allocator gives the large blocks of a training step back to the system and takes them again at the next step.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    std::process::ExitCode::from(barograph_cli::run(std::env::args_os()).number())
}
