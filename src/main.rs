//! The binary; everything is in the library.

fn main() -> std::process::ExitCode {
    roomd::cli::run(std::env::args_os()).into()
}
