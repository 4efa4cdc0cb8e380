fn main() -> std::process::ExitCode {
    memrtl::cli::run()
}
