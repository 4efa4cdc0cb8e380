//! The host link: a UART in front of the buses, so that a board needs two pins. No part of the spec: the same design, with the
//! same hash, has it or has it not.

use askama::Template;

use super::{Module, Rtl, finish};
use crate::regmap::RegMap;
use crate::spec::{Backend, Design};

macro_rules! link_module {
    ($type:ident, $path:literal) => {
        #[derive(Template)]
        #[template(path = $path, escape = "none")]
        struct $type<'a> {
            name: &'a str,
        }
    };
}
link_module!(Receiver, "link/rx.v");
link_module!(Transmitter, "link/tx.v");
link_module!(Bridge, "link/bridge.v");
link_module!(Link, "link/link.v");

/// Why a design cannot have a link.
#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    #[error(
        "a host link needs arrays inside the design: `backend = \"emulated\"` under [array], or --backend emulated"
    )]
    ExternalArrays,
    #[error(transparent)]
    Template(#[from] askama::Error),
}

impl Rtl {
    /// The design behind a UART: modules of [`Rtl::generate`], and `<name>_link` as the new top.
    ///
    /// # Errors
    /// External arrays; a template that does not render.
    pub fn with_link(design: &Design) -> Result<Rtl, LinkError> {
        if design.array.backend == Backend::External {
            return Err(LinkError::ExternalArrays);
        }
        let name = design.name.as_str();
        let mut rtl = Rtl::generate(design)?;
        let mut add = |suffix: &str, text: Result<String, askama::Error>| -> Result<(), askama::Error> {
            rtl.modules.push(Module { name: format!("{name}_link{suffix}"), text: finish(design, &text?) });
            Ok(())
        };
        add("_rx", Receiver { name }.render())?;
        add("_tx", Transmitter { name }.render())?;
        add("_bridge", Bridge { name }.render())?;
        add("", Link { name }.render())?;
        rtl.top = format!("{name}_link");
        rtl.package(design, &RegMap::for_design(design))?;
        Ok(rtl)
    }
}
