//! Evaluations without what Verilator puts around them.
//!
//! The `eval` of a model sees to the first evaluation, deletes objects of classes that nobody holds any more, and prints what the threads of
//! the model have to say, under two locks. Where there are no classes, no threads and no waveform, all that is left after the first evaluation is
//! the function that does the work; calling it alone saves a twentieth of the time of a small design.
//!
//! Whether that is so is read from the generated C++: the `eval` must consist of nothing but a few known statements.

use std::{fs, path::Path};

use crate::{
    Error,
    fold::squeeze,
    shim::{PREFIX, ROOT},
};

/// The statements that may stand in `eval` beside the work and what happens once, from 5.006 to 5.049. The last three hand on what threads
/// have left, and mark which thread works.
const AROUND: [&str; 4] = [
    "vlSymsp->__Vm_deleter.deleteAll();",
    "Verilated::mtaskId(0);",
    "Verilated::endOfThreadMTask(vlSymsp->__Vm_evalMsgQp);",
    "Verilated::endOfEval(vlSymsp->__Vm_evalMsgQp);",
];

/// Whether all evaluations of the model in `obj` but the first one may be those of its root.
pub(crate) fn is_bare(obj: &Path, classes: &[String]) -> Result<bool, Error> {
    let mut deleters = 0;
    let mut known = false;
    for class in classes {
        let path = obj.join(format!("{class}.cpp"));
        let text = fs::read_to_string(&path).map_err(Error::io("read", path))?;
        deleters += text.matches("__Vm_deleter").count();
        if class == PREFIX {
            known = is_known(&text);
        }
    }
    // Objects of classes are made with it; then it has something to delete.
    Ok(known && deleters <= 1)
}

/// The text of the model's class has an `eval` of known statements.
fn is_known(class: &str) -> bool {
    let head = format!("void {PREFIX}::eval_step() {{");
    let Some((body, _)) = class.split_once(&head).and_then(|(_, rest)| rest.split_once("\n}")) else { return false };
    let body = squeeze(&without_debugging(body));
    let Some((before, rest)) = body.split_once("if (VL_UNLIKELY(!vlSymsp->__Vm_didInit)) {") else { return false };
    let Some((_, after)) = rest.split_once('}') else { return false };
    let work = format!("{PREFIX}___024root___eval(&(vlSymsp->TOP));");
    let mut left = format!("{before}{after}");
    let once = left.matches(&work).count() == 1;
    for statement in AROUND.iter().copied().chain([work.as_str()]) {
        left = left.replace(statement, "");
    }
    once && left.trim().is_empty()
}

/// The text without comments and what is compiled for debugging only.
fn without_debugging(text: &str) -> String {
    let mut debugging = false;
    let mut kept = String::new();
    for line in text.lines() {
        let start = line.trim_start();
        if start.starts_with("#ifdef VL_DEBUG") {
            debugging = true;
        }
        if !debugging && !start.starts_with("//") && !start.starts_with("VL_DEBUG_IF(") {
            kept.push_str(line);
            kept.push('\n');
        }
        if start.starts_with("#endif") {
            debugging = false;
        }
    }
    kept
}

/// C++ of an evaluation that is not the first.
pub(crate) fn render(bare: bool) -> String {
    if !bare {
        return format!("VLRS_LINKAGE void vlrs_model_again({PREFIX}* top) {{ top->eval(); }}\n");
    }
    let work = format!("{PREFIX}___024root___eval");
    format!(
        "{ROOT}void {work}({PREFIX}___024root*);\n\
         VLRS_LINKAGE void vlrs_model_again({PREFIX}* top) {{ {work}(top->rootp); }}\n"
    )
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;
    use crate::{Verilator, fold, generated::Classes};

    /// What the versions that are known write: nobody would notice but by the time that a run takes.
    #[test]
    fn the_text_of_known_versions_is_as_expected() {
        let verilator = Verilator::find().unwrap();
        let dir = tempfile::tempdir().unwrap();
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/fifo.v");
        let mut command = Command::new(verilator.path());
        command.args(["--cc", "-O3", "--prefix", PREFIX, "--top-module", "fifo", "--Mdir"]);
        assert!(command.arg(dir.path()).arg(source).status().unwrap().success());
        let classes = Classes::read(dir.path()).unwrap();
        let version = verilator.version().to_string();
        if ["5.006", "5.049"].contains(&version.as_str()) {
            assert!(is_bare(dir.path(), &classes.code).unwrap(), "{version}");
            assert!(fold::make_inputs_skippable(dir.path(), &classes.code).unwrap().is_some(), "{version}");
        }
    }

    const OLD: &str = "void Vmodel::eval_step() {\n    VL_DEBUG_IF(VL_DBG_MSGF(\"+++\\n\"); );\n#ifdef VL_DEBUG\n    // Debug assertions\n    \
        Vmodel___024root___eval_debug_assertions(&(vlSymsp->TOP));\n#endif  // VL_DEBUG\n    if (VL_UNLIKELY(!vlSymsp->__Vm_didInit)) {\n        \
        vlSymsp->__Vm_didInit = true;\n        Vmodel___024root___eval_settle(&(vlSymsp->TOP));\n    }\n    // MTask 0 start\n    \
        Verilated::mtaskId(0);\n    Vmodel___024root___eval(&(vlSymsp->TOP));\n    // Evaluate cleanup\n    \
        Verilated::endOfThreadMTask(vlSymsp->__Vm_evalMsgQp);\n    Verilated::endOfEval(vlSymsp->__Vm_evalMsgQp);\n}\n";
    const NEW: &str = "void Vmodel::eval_step() {\n    vlSymsp->__Vm_deleter.deleteAll();\n    if (VL_UNLIKELY(!vlSymsp->__Vm_didInit)) {\n        \
        Vmodel___024root___eval_initial(&(vlSymsp->TOP));\n        vlSymsp->__Vm_didInit = true;\n    }\n    VL_DEBUG_IF(VL_DBG_MSGF(\"+ Eval\\n\"););\n    \
        Vmodel___024root___eval(&(vlSymsp->TOP));\n    // Evaluate cleanup\n    Verilated::endOfEval(vlSymsp->__Vm_evalMsgQp);\n}\n";

    #[test]
    fn known_evaluations_are_bare() {
        assert!(is_known(OLD) && is_known(NEW));
    }

    #[test]
    fn anything_else_is_not() {
        for (from, to) in [
            ("    Vmodel___024root___eval(", "    vlSymsp->__Vm_activity = true;\n    Vmodel___024root___eval("),
            (
                "    Vmodel___024root___eval(",
                "    Vmodel___024root___eval(&(vlSymsp->TOP));\n    Vmodel___024root___eval(",
            ),
            ("Vmodel___024root___eval(", "vlSymsp->_vm_contextp__->dispatch("),
            ("Verilated::endOfEval(", "Verilated::endOfEverything("),
            ("eval_step", "eval_twice"),
        ] {
            for text in [OLD, NEW] {
                assert!(text.contains(from) && !is_known(&text.replace(from, to)), "{to}");
            }
        }
    }
}
