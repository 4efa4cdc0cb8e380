pub fn render(_d: &crate::spec::Design) -> Result<Vec<(String, String)>, askama::Error> {
    Ok(vec![])
}
