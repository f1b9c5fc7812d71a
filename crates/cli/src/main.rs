//! The binary `barograph`.

fn main() -> std::process::ExitCode {
    barograph_cli::run(std::env::args_os())
}
