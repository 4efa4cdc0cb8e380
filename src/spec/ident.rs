//! Names that become Verilog identifiers.

/// Longest name: it prefixes every module and pin, and tools get clumsy beyond a few hundred characters.
pub(super) const MAX_NAME: usize = 64;

/// Why a name cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum BadName {
    Empty,
    TooLong,
    /// First character that is not allowed where it stands.
    Character(char),
    /// Two underscores in a row, or one at the end, which would make two with the suffix that follows.
    DoubleUnderscore,
    /// A keyword of Verilog-2005 or SystemVerilog.
    Keyword,
}

/// Checks a name; upper and lower case are both fine, keywords are lower case only.
pub(super) fn check(name: &str) -> Result<(), BadName> {
    let Some(first) = name.chars().next() else { return Err(BadName::Empty) };
    if !(first.is_ascii_alphabetic() || first == '_') {
        return Err(BadName::Character(first));
    }
    if let Some(c) = name.chars().find(|c| !(c.is_ascii_alphanumeric() || *c == '_')) {
        return Err(BadName::Character(c));
    }
    if name.len() > MAX_NAME {
        return Err(BadName::TooLong);
    }
    // Verilator encodes `__` in the names that it exports, so ports could not be found under their own name.
    if name.contains("__") || name.ends_with('_') {
        return Err(BadName::DoubleUnderscore);
    }
    if KEYWORDS.split_ascii_whitespace().any(|k| k == name) {
        return Err(BadName::Keyword);
    }
    Ok(())
}

/// Nearest usable name, for the help line; `None` when nothing is left of it.
pub(super) fn suggest(name: &str) -> Option<String> {
    let mut out = String::new();
    for c in name.chars() {
        let c = if c.is_ascii_alphanumeric() { c } else { '_' };
        if !(c == '_' && out.ends_with('_')) {
            out.push(c);
        }
    }
    if out.starts_with(|c: char| c.is_ascii_digit()) {
        out.insert(0, 'n');
    }
    out.truncate(MAX_NAME);
    let trimmed = out.trim_end_matches('_');
    let out = if check(trimmed) == Err(BadName::Keyword) { format!("{trimmed}0") } else { trimmed.to_owned() };
    check(&out).is_ok().then_some(out)
}

/// Keywords of IEEE 1364-2005 and IEEE 1800-2017.
const KEYWORDS: &str = "
    accept_on alias always always_comb always_ff always_latch and assert assign assume automatic before begin bind bins
    binsof bit break buf bufif0 bufif1 byte case casex casez cell chandle checker class clocking cmos config const
    constraint context continue cover covergroup coverpoint cross deassign default defparam design disable dist do edge
    else end endcase endchecker endclass endclocking endconfig endfunction endgenerate endgroup endinterface endmodule
    endpackage endprimitive endprogram endproperty endsequence endspecify endtable endtask enum event eventually expect
    export extends extern final first_match for force foreach forever fork forkjoin function generate genvar global
    highz0 highz1 if iff ifnone ignore_bins illegal_bins implements implies import incdir include initial inout input
    inside instance int integer interconnect interface intersect join join_any join_none large let liblist library
    local localparam logic longint macromodule matches medium modport module nand negedge nettype new nexttime nmos nor
    noshowcancelled not notif0 notif1 null or output package packed parameter pmos posedge primitive priority program
    property protected pull0 pull1 pulldown pullup pulsestyle_ondetect pulsestyle_onevent pure rand randc randcase
    randsequence rcmos real realtime ref reg reject_on release repeat restrict return rnmos rpmos rtran rtranif0
    rtranif1 s_always s_eventually s_nexttime s_until s_until_with scalared sequence shortint shortreal showcancelled
    signed small soft solve specify specparam static string strong strong0 strong1 struct super supply0 supply1
    sync_accept_on sync_reject_on table tagged task this throughout time timeprecision timeunit tran tranif0 tranif1
    tri tri0 tri1 triand trior trireg type typedef union unique unique0 unsigned until until_with untyped use uwire var
    vectored virtual void wait wait_order wand weak weak0 weak1 while wildcard wire with within wor xnor xor";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_checked() {
        assert_eq!(check("digits_2"), Ok(()));
        assert_eq!(check("_x"), Ok(()));
        assert_eq!(check("Module"), Ok(()));
        assert_eq!(check(""), Err(BadName::Empty));
        assert_eq!(check("2x"), Err(BadName::Character('2')));
        assert_eq!(check("a-b"), Err(BadName::Character('-')));
        assert_eq!(check("größe"), Err(BadName::Character('ö')));
        assert_eq!(check("a__b"), Err(BadName::DoubleUnderscore));
        assert_eq!(check("a_"), Err(BadName::DoubleUnderscore));
        assert_eq!(check("module"), Err(BadName::Keyword));
        assert_eq!(check("always_ff"), Err(BadName::Keyword));
        assert_eq!(check(&"a".repeat(MAX_NAME)), Ok(()));
        assert_eq!(check(&"a".repeat(MAX_NAME + 1)), Err(BadName::TooLong));
    }

    #[test]
    fn suggestions_are_usable() {
        assert_eq!(suggest("my-net").as_deref(), Some("my_net"));
        assert_eq!(suggest("2 layers").as_deref(), Some("n2_layers"));
        assert_eq!(suggest("module").as_deref(), Some("module0"));
        assert_eq!(suggest("a__b_").as_deref(), Some("a_b"));
        assert_eq!(suggest("--"), None);
    }

    #[test]
    fn keywords_are_listed_once() {
        let mut words: Vec<_> = KEYWORDS.split_ascii_whitespace().collect();
        let listed = words.clone();
        words.sort_unstable();
        words.dedup();
        assert_eq!(words, listed);
    }
}
