//! Clocks whose falling edge the model cannot see.
//!
//! A cycle needs two evaluations because Verilator finds a rising edge by comparing the clock with its value in the last evaluation. When a
//! clock is used for nothing but rising edges, the evaluation at its falling edge does no more than update that remembered value, at
//! almost the price of a real one: all logic behind the inputs is computed again. Then it is enough to write the remembered value.
//!
//! Whether a clock is used for nothing else is read from the generated C++: every place that mentions it must have one of a few known
//! forms. Anything unknown (a gated clock, a falling edge, the clock as data, another version's way of writing) means two evaluations.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::{
    Error,
    shim::{Direction, PREFIX, Port, ROOT},
};

/// A clock with the member of the model's root that remembers its last value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Foldable {
    pub member: String,
    pub previous: String,
}

/// Text that may behave differently when evaluated once instead of twice: random numbers, imported functions, delays.
const UNREPEATABLE: [&str; 4] = ["VL_RANDOM", "VL_URANDOM", "__Vdpiimwrap", "VlDelayScheduler"];

/// Looks for foldable clocks among the one-bit inputs of the model in `obj`.
pub(crate) fn foldable(obj: &Path, classes: &[String], ports: &[Port]) -> Result<Vec<Foldable>, Error> {
    let mut texts = Vec::new();
    for class in classes {
        let path = obj.join(format!("{class}.cpp"));
        texts.push(squeeze(&fs::read_to_string(&path).map_err(Error::io("read", path))?));
    }
    if texts.iter().any(|t| UNREPEATABLE.iter().any(|u| t.contains(u))) {
        return Ok(Vec::new());
    }
    let inputs = ports.iter().filter(|p| p.direction == Direction::Input && p.width == 1);
    Ok(inputs.filter_map(|p| examine(&texts, &p.member)).collect())
}

/// One blank for any white space, none after an opening parenthesis: the generated text breaks lines anywhere.
pub(crate) fn squeeze(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if !c.is_whitespace() {
            out.push(c);
        } else if !out.ends_with([' ', '(']) {
            out.push(' ');
        }
    }
    out
}

fn examine(texts: &[String], clock: &str) -> Option<Foldable> {
    // The trigger names the remembered value.
    let previous = texts.iter().find_map(|t| ["vlSelf->", "vlSelfRef."].iter().find_map(|s| trigger(t, s, clock)))?;
    let whole = Foldable { member: clock.into(), previous };
    let known = texts.iter().all(|t| {
        mentions(t, clock).all(|(before, after)| harmless_clock(before, after, &whole))
            && mentions(t, &whole.previous).all(|(before, after)| harmless_previous(before, after, &whole))
    });
    known.then_some(whole)
}

/// The member compared with the clock in the form of a rising edge.
fn trigger(text: &str, owner: &str, clock: &str) -> Option<String> {
    let needle = format!("((IData)({owner}{clock}) & (~ (IData)({owner}");
    let rest = &text[text.find(&needle)? + needle.len()..];
    let name: String = rest.chars().take_while(|&c| is_word(c)).collect();
    (name.starts_with("__Vtrig") && rest[name.len()..].starts_with(")))")).then_some(name)
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

/// What stands before and after every whole word `name`.
fn mentions<'a>(text: &'a str, name: &'a str) -> impl Iterator<Item = (&'a str, &'a str)> {
    text.match_indices(name)
        .map(|(at, _)| (&text[..at], &text[at + name.len()..]))
        .filter(|(before, after)| !before.ends_with(is_word) && !after.starts_with(is_word))
}

/// Strips `vlSelf->` or `vlSelfRef.`.
fn owned(before: &str) -> Option<&str> {
    before.strip_suffix("vlSelf->").or_else(|| before.strip_suffix("vlSelfRef."))
}

fn harmless_clock(before: &str, after: &str, of: &Foldable) -> bool {
    let Foldable { member, previous } = of;
    let in_text = before.ends_with('"') && after.starts_with('"') || before.ends_with("posedge ");
    let in_constructor = before.ends_with(", ") && after.starts_with(&format!("{{vlSymsp->TOP.{member}}}"))
        || before.ends_with(&format!("{member}{{vlSymsp->TOP.")) && after.starts_with('}');
    let in_scope_table = before.ends_with("&(TOP.") && after.starts_with(')');
    let Some(statement) = owned(before) else {
        return in_text || in_constructor || in_scope_table || in_snapshot(before, after);
    };
    let edge = statement.ends_with("((IData)(")
        && after.strip_prefix(") & (~ (IData)(").is_some_and(|rest| {
            let rest = rest.strip_prefix("vlSelf->").or_else(|| rest.strip_prefix("vlSelfRef."));
            rest.and_then(|r| r.strip_prefix(previous.as_str())).is_some_and(|r| r.starts_with(")))"))
        });
    let remembered = statement.strip_suffix(" = ").and_then(|s| s.strip_suffix(previous.as_str())).and_then(owned);
    let width_check = statement.ends_with("if (VL_UNLIKELY((") || statement.ends_with("if (VL_UNLIKELY(((");
    let traced = ["Bit(oldp+", "Bit(oldp + "]
        .iter()
        .any(|call| statement.rfind(call).is_some_and(|at| is_traced(&statement[at + call.len()..])));
    edge || remembered.is_some() && after.starts_with(';')
        || width_check && after.starts_with(" & 0xfeU)")
        || traced && after.starts_with("))")
        || is_reset(statement, after)
}

fn harmless_previous(before: &str, after: &str, of: &Foldable) -> bool {
    let Some(statement) = owned(before) else { return in_snapshot(before, after) };
    let edge =
        owned(statement.strip_suffix(") & (~ (IData)(").and_then(|s| s.strip_suffix(of.member.as_str())).unwrap_or(""))
            .is_some_and(|s| s.ends_with("((IData)("));
    let assigned =
        after.strip_prefix(" = ").and_then(|a| a.strip_prefix("vlSelf->").or_else(|| a.strip_prefix("vlSelfRef.")));
    let remembers = assigned.and_then(|a| a.strip_prefix(of.member.as_str())).is_some_and(|a| a.starts_with(';'));
    edge && after.starts_with(")))") || remembers || is_reset(statement, after)
}

/// `os<<clk;` and `os>>clk;`
fn in_snapshot(before: &str, after: &str) -> bool {
    ["os<<", "os>>", "os << ", "os >> "].iter().any(|o| before.ends_with(o)) && after.starts_with(';')
}

/// The number of the signal and the opening parenthesis: `47,(`.
fn is_traced(call: &str) -> bool {
    call.strip_suffix(",(").is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()))
}

/// The constructor's first value.
fn is_reset(statement: &str, after: &str) -> bool {
    statement.ends_with([' ', ';', '{'])
        && (after.starts_with(" = 0;")
            || after.starts_with(" = VL_RAND_RESET_I(1);")
            || after.starts_with(" = VL_SCOPED_RAND_RESET_I(1, __VscopeHash, "))
}

/// How a version of Verilator writes the logic behind the inputs, which it computes anew in every evaluation.
struct InputLogic {
    /// Its beginning.
    begins: &'static str,
    /// The same, left out once after the shim has set the member `mark`.
    skippable: &'static str,
    /// Mark of the next evaluation, and how a value of it is set.
    mark: &'static str,
    /// What is assigned to when the triggers of this logic are looked at.
    trigger: &'static str,
    /// Its only reason to run is that an evaluation begins: then it is a function of inputs and registers, and of no events.
    always: &'static str,
}

const INPUT_LOGIC: [InputLogic; 2] = [
    // 5.006
    InputLogic {
        begins: "vlSelf->__VicoIterCount = 0U;\n    __VicoContinue = 1U;",
        skippable: "__VicoContinue = (vlSelf->__VicoIterCount != 0xffffffffU);\n    vlSelf->__VicoIterCount = 0U;",
        mark: "__VicoIterCount = 0xffffffffU",
        trigger: "__VicoTriggered.at(",
        always: "__VicoTriggered.at(0U) = (0U == vlSelf->__VicoIterCount);",
    },
    // 5.049
    InputLogic {
        begins: "vlSelfRef.__VicoFirstIteration = 1U;\n    do {",
        skippable: "vlSelfRef.__VicoFirstIteration = (vlSelfRef.__VicoFirstIteration != 0xffU);\n    do {",
        mark: "__VicoFirstIteration = 0xffU",
        trigger: "__VicoTriggered[",
        always: "__VicoTriggered[0U] = ((0xfffffffffffffffeULL & vlSelfRef.__VicoTriggered[0U]) | \
                 (IData)((IData)(vlSelfRef.__VicoFirstIteration)));",
    },
];

/// Changes the generated C++ in `obj` such that the logic behind the inputs can be left out of an evaluation in which no input has
/// changed. Returns the assignment that leaves it out of the next one; none, and no change, if the text is not as expected.
pub(crate) fn make_inputs_skippable(obj: &Path, classes: &[String]) -> Result<Option<&'static str>, Error> {
    let mut texts = Vec::new();
    for class in classes {
        let path = obj.join(format!("{class}.cpp"));
        let text = fs::read_to_string(&path).map_err(Error::io("read", path.clone()))?;
        texts.push((path, text));
    }
    let Some((form, at)) = INPUT_LOGIC.iter().find_map(|form| Some((form, form.place(&texts)?))) else {
        return Ok(None);
    };
    let (path, text) = &texts[at];
    fs::write(path, text.replace(form.begins, form.skippable)).map_err(Error::io("write", path.clone()))?;
    Ok(Some(form.mark))
}

impl InputLogic {
    /// Which of the texts begins the logic; none if it is not written in this way.
    fn place(&self, texts: &[(PathBuf, String)]) -> Option<usize> {
        let (mut begins, mut triggers, mut always) = (Vec::new(), 0, 0);
        for (index, (_, text)) in texts.iter().enumerate() {
            begins.extend(text.matches(self.begins).map(|_| index));
            let text = squeeze(text);
            triggers += text.match_indices(self.trigger).filter(|(at, _)| is_set(&text[*at..])).count();
            always += text.matches(self.always).count();
        }
        match begins[..] {
            [at] if (triggers, always) == (1, 1) => Some(at),
            _ => None,
        }
    }
}

/// Whether an element is assigned to, other than by the constructor.
fn is_set(text: &str) -> bool {
    let after = text.split_once([')', ']']).and_then(|(_, rest)| rest.strip_prefix(" = "));
    after.is_some_and(|value| !value.starts_with("0;"))
}

/// C++ that lets the shim say that no input has changed.
pub(crate) fn render_settled(mark: Option<&str>) -> String {
    let statement = mark.map_or("(void)top;".into(), |mark| format!("top->rootp->{mark};"));
    let include = if mark.is_some() { ROOT } else { "" };
    format!("{include}VLRS_LINKAGE void vlrs_model_settled({PREFIX}* top) {{ {statement} }}\n")
}

/// C++ that gives the shim the address of each remembered value.
pub(crate) fn render(folds: &[Foldable]) -> String {
    let mut text = String::new();
    if !folds.is_empty() {
        text.push_str(ROOT);
    }
    text.push_str(&format!("VLRS_LINKAGE uint8_t* vlrs_model_previous({PREFIX}* top, const void* clock) {{\n"));
    for Foldable { member, previous } in folds {
        text.push_str(&format!("    if (clock == &top->{member}) return &top->rootp->{previous};\n"));
    }
    text + "    (void)top, (void)clock;\n    return nullptr;\n}\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The shapes of 5.006 and of 5.048.
    const OLD: &str = "    , clk{vlSymsp->TOP.clk}\n vlSelf->__VactTriggered.at(0U) = ((IData)(vlSelf->clk) \n   & (~ (IData)(vlSelf->__Vtrigrprev__TOP__clk)));\n\
        vlSelf->__Vtrigrprev__TOP__clk = vlSelf->clk;\n if (VL_UNLIKELY((vlSelf->clk & 0xfeU))) { Verilated::overWidthError(\"clk\");}\n\
        VL_DBG_MSGF(\"  @(posedge clk)\\n\"); vlSelf->clk = VL_RAND_RESET_I(1); vlSelf->__Vtrigrprev__TOP__clk = VL_RAND_RESET_I(1);\n\
        bufp->chgBit(oldp+47,(vlSelf->clk)); os<<clk; os>>__Vtrigrprev__TOP__clk;";
    const NEW: &str = "vlSelfRef.__VactTriggered[0U] = (QData)((IData)(\n ((IData)(vlSelfRef.clk) \n & (~ (IData)(vlSelfRef.__Vtrigprevexpr___TOP__clk__0)))));\n\
        vlSelfRef.__Vtrigprevexpr___TOP__clk__0 = vlSelfRef.clk;\n if (VL_UNLIKELY(((vlSelfRef.clk & 0xfeU)))) {\n\
        vlSelf->clk = 0; vlSelf->__Vtrigprevexpr___TOP__clk__0 = 0;";

    fn previous(text: &str) -> Option<String> {
        examine(&[squeeze(text)], "clk").map(|f| f.previous)
    }

    #[test]
    fn known_shapes_fold() {
        assert_eq!(previous(OLD).as_deref(), Some("__Vtrigrprev__TOP__clk"));
        assert_eq!(previous(NEW).as_deref(), Some("__Vtrigprevexpr___TOP__clk__0"));
    }

    #[test]
    fn anything_else_does_not() {
        for more in [
            "vlSelf->gated = ((IData)(vlSelf->clk) & (IData)(vlSelf->en));",
            "x = ((~ (IData)(vlSelf->clk)) & (IData)(vlSelf->__Vtrigrprev__TOP__clk));",
            "vlSelf->q = vlSelf->clk;",
            "vlSymsp->TOP__sub.clk = vlSelf->clk;",
            "x = vlSymsp->TOP.clk;",
            "f(vlSelf->__Vtrigrprev__TOP__clk);",
            "if (clk) x = 1;",
            "vlSelf->x = ((IData)(vlSelf->clk) & (~ (IData)(vlSelf->other)));",
        ] {
            assert_eq!(previous(&format!("{OLD} {more}")), None, "{more}");
        }
        assert_eq!(previous("vlSelf->q = vlSelf->clk;"), None);
        // A longer name is another signal.
        assert!(previous(&format!("{OLD} vlSelf->q = vlSelf->clk_en; vlSelf->my_clk = 1;")).is_some());
    }
}
