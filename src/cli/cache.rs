//! `memrtl cache`: the folder of built models.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::SystemTime;

use anyhow::Context;
use verilated::{Cache, EntryKind};

/// List or clear the built models
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    action: Action,
    /// Folder of built models [default: the user's cache folder]
    #[arg(long, value_name = "DIR", global = true)]
    cache: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, clap::Subcommand)]
enum Action {
    /// Show what is stored, last used first
    List,
    /// Remove everything that is not in use
    Clear,
}

/// Runs the command.
///
/// # Errors
/// A folder that cannot be read or changed.
pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let cache = match &args.cache {
        Some(dir) => Cache::new(dir),
        None => Cache::default_dir()?,
    };
    let context = || format!("cache folder {}", cache.dir().display());
    match args.action {
        Action::List => {
            let mut entries = cache.list().with_context(context)?;
            entries.sort_by_key(|e| std::cmp::Reverse(e.last_used));
            let total: u64 = entries.iter().map(|e| e.bytes).sum();
            for entry in &entries {
                let idle = SystemTime::now().duration_since(entry.last_used).unwrap_or_default().as_secs() / 60;
                let kind = match entry.kind {
                    EntryKind::Model => "model",
                    EntryKind::Runtime => "runtime",
                };
                println!("{:>9}  {idle:>6} min ago  {kind:7}  {}", size(entry.bytes), entry.name);
            }
            println!("{:>9}  in {} entries, {}", size(total), entries.len(), cache.dir().display());
        }
        Action::Clear => {
            let freed = cache.clear().with_context(context)?;
            println!("{} freed in {}", size(freed), cache.dir().display());
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn size(bytes: u64) -> String {
    format!("{:.1} MiB", bytes as f64 / (1024.0 * 1024.0))
}
