//! Bad specs, one test each.

/// For each bad spec a test of the kinds of problems and, as a snapshot, the rendered text. The arguments after the kinds go to
/// `parse` of the place where the macro stands.
macro_rules! refused {
    ($($name:ident: $codes:expr, $($argument:expr),+;)*) => {$(
        #[test]
        fn $name() {
            let errors = parse($(&$argument),+).expect_err("the spec is bad");
            let codes: &[Code] = &$codes;
            assert_eq!(errors.codes(), codes, "\n{errors}");
            insta::with_settings!({ omit_expression => true }, {
                insta::assert_snapshot!(errors.to_string());
            });
        }
    )*};
}
pub(crate) use refused;
