//! `memrtl new`: writes a commented spec to start from.

use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

use crate::spec;

/// Write a commented spec to start from
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Which spec to write
    #[arg(long, default_value = spec::PRESETS[0], value_parser = spec::PRESETS)]
    preset: String,
    /// File to write
    #[arg(long, value_name = "FILE", default_value = "memrtl.toml")]
    out: PathBuf,
    /// Replace the file if it exists
    #[arg(long)]
    force: bool,
}

/// Runs the command.
///
/// # Errors
/// The file exists and `--force` is not given, or it cannot be written; then nothing is left behind.
pub fn run(args: &Args) -> anyhow::Result<()> {
    let text = spec::preset(&args.preset).with_context(|| format!("unknown preset `{}`", args.preset))?;
    write(&args.out, text, args.force)?;
    println!("wrote {}; next: memrtl cosim --config {0}", args.out.display());
    Ok(())
}

/// Writes through a temporary file beside the target, so that the target is either whole or not there.
fn write(out: &Path, text: &str, force: bool) -> anyhow::Result<()> {
    let shown = out.display();
    if !force && out.symlink_metadata().is_ok() {
        bail!("`{shown}` exists; `--force` replaces it, `--out` names another file");
    }
    // A rename would put the text in place of a link, a folder or a device instead of into it.
    let target = if out.is_symlink() {
        out.canonicalize().with_context(|| format!("cannot follow `{shown}`"))?
    } else {
        out.to_owned()
    };
    if target.exists() && !target.is_file() {
        bail!("`{shown}` is not a plain file; `--out` names another");
    }
    let folder = match target.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let mut builder = tempfile::Builder::new();
    builder.prefix(".memrtl-new");
    // The library's default of 0600 would keep the user's group out; the process's umask still applies.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let mut file = builder.tempfile_in(folder).with_context(|| format!("cannot write into `{}`", folder.display()))?;
    file.write_all(text.as_bytes())
        .and_then(|()| file.as_file().sync_all())
        .with_context(|| format!("cannot write `{shown}`"))?;
    let saved = if force { file.persist(&target) } else { file.persist_noclobber(&target) };
    match saved {
        Ok(_) => Ok(()),
        Err(e) if !force && e.error.kind() == ErrorKind::AlreadyExists => {
            bail!("`{shown}` was made meanwhile by someone else; nothing was written")
        }
        Err(e) => Err(e.error).with_context(|| format!("cannot write `{shown}`")),
    }
}
