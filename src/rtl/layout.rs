//! Layout of generated Verilog: columns of declarations, connections and trailing comments are aligned, whatever the
//! lengths of the numbers and names that were bound.

/// A line of a run, cut where columns begin.
struct Cells {
    indent: usize,
    /// All but the last are padded to the run's widest.
    cells: Vec<String>,
    comment: Option<String>,
}

/// What kind of run a line belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// `input wire [7:0] name,`
    Port,
    /// `wire [7:0] name;`
    Net,
    /// `.name(value),`
    Connection,
    Other,
}

/// Aligns runs of declarations and connections, squeezes blank lines, sets one before a heading (`// ---`) and strips trailing blanks.
pub(crate) fn tidy(text: &str) -> String {
    let mut out = String::new();
    let mut run: Vec<(Kind, &str)> = Vec::new();
    let mut blank = false;
    for line in text.lines().map(str::trim_end) {
        let kind = classify(line);
        // A whole-line comment inside a port list does not end its run.
        let inside = matches!(run.first(), Some((Kind::Port, _))) && line.trim_start().starts_with("//");
        if run.first().is_some_and(|(first, _)| *first != kind) && !inside {
            flush(&mut run, &mut out);
        }
        if kind != Kind::Other || inside {
            run.push((if inside { Kind::Other } else { kind }, line));
            blank = false;
            continue;
        }
        if line.is_empty() && blank {
            continue;
        }
        if line.trim_start().starts_with("// ---") && !blank {
            out.push('\n');
        }
        blank = line.is_empty();
        out.push_str(line);
        out.push('\n');
    }
    flush(&mut run, &mut out);
    out
}

fn classify(line: &str) -> Kind {
    let code = line.trim_start();
    let declares = |word: &str| code.strip_prefix(word).is_some_and(|rest| rest.starts_with(' '));
    if declares("input") || declares("output") {
        Kind::Port
    } else if (declares("wire") || declares("reg")) && is_plain_net(code) {
        Kind::Net
    } else if code.starts_with('.') && code.contains('(') && balanced(strip_comment(code).0) {
        Kind::Connection
    } else {
        Kind::Other
    }
}

/// A net or register without assignment or memory range.
fn is_plain_net(code: &str) -> bool {
    let code = strip_comment(code).0.trim_end();
    let Some(name) = code.strip_suffix(';') else { return false };
    !name.contains('=') && !name.trim_end().ends_with(']')
}

fn balanced(code: &str) -> bool {
    code.matches('(').count() == code.matches(')').count()
}

fn strip_comment(line: &str) -> (&str, Option<&str>) {
    match line.find("//") {
        Some(at) => (line[..at].trim_end(), Some(&line[at..])),
        None => (line, None),
    }
}

fn cut(kind: Kind, line: &str) -> Cells {
    let indent = line.len() - line.trim_start().len();
    let (code, comment) = strip_comment(line.trim_start());
    let cells = match kind {
        Kind::Connection => {
            let at = code.find('(').unwrap_or(code.len());
            vec![code[..at].trim_end().to_string(), code[at..].to_string()]
        }
        Kind::Port | Kind::Net => declaration(code, if kind == Kind::Port { 2 } else { 1 }),
        Kind::Other => vec![code.to_string()],
    };
    Cells { indent, cells, comment: comment.map(str::to_string) }
}

/// `words` keywords, then `signed`, the range (may be empty), the rest.
fn declaration(code: &str, words: usize) -> Vec<String> {
    let mut rest = code;
    let mut keywords = Vec::new();
    for _ in 0..words {
        let (word, after) = rest.split_once(' ').unwrap_or((rest, ""));
        keywords.push(word.to_string());
        rest = after.trim_start();
    }
    let mut range = String::new();
    if let Some(after) = rest.strip_prefix("signed ") {
        range.push_str("signed ");
        rest = after.trim_start();
    }
    if rest.starts_with('[') {
        let end = rest.find(']').map_or(rest.len(), |at| at + 1);
        range.push_str(&rest[..end]);
        rest = rest[end..].trim_start();
    }
    keywords.push(range);
    keywords.push(rest.to_string());
    keywords
}

fn flush(run: &mut Vec<(Kind, &str)>, out: &mut String) {
    let rows: Vec<Cells> = run.iter().map(|(kind, line)| cut(*kind, line)).collect();
    let columns = rows.iter().map(|r| r.cells.len()).max().unwrap_or(0);
    let width = |column: usize| {
        let cells = rows.iter().filter(|r| r.cells.len() > 1 && column + 1 < r.cells.len());
        cells.map(|r| r.cells[column].len()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    // Connections take no blank before the parenthesis.
    let gap = if matches!(run.first(), Some((Kind::Connection, _))) { "" } else { " " };
    let code: Vec<String> = rows
        .iter()
        .map(|row| {
            let mut line = " ".repeat(row.indent);
            for (column, cell) in row.cells.iter().enumerate() {
                if column + 1 == row.cells.len() {
                    line.push_str(cell);
                } else if widths[column] > 0 {
                    line.push_str(&format!("{cell:<width$}{gap}", width = widths[column]));
                }
            }
            line
        })
        .collect();
    let comments = rows.iter().zip(&code).filter(|(r, _)| r.comment.is_some() && r.cells.len() > 1);
    let longest = comments.map(|(_, c)| c.len()).max().unwrap_or(0);
    for (row, code) in rows.iter().zip(code) {
        match &row.comment {
            Some(comment) if row.cells.len() > 1 => out.push_str(&format!("{code:<longest$}  {comment}")),
            Some(comment) => out.push_str(&format!("{code}{comment}")),
            None => out.push_str(code.trim_end()),
        }
        out.push('\n');
    }
    run.clear();
}

#[cfg(test)]
mod tests {
    use super::tidy;

    #[test]
    fn ports_nets_and_connections_line_up() {
        let text = "\
module m (
  input wire clk, // rising edge
  // Group.
  output wire [519:0] code // bits
);
  wire a;
  reg [3:0] b;


  n u (
    .clk(clk),
    .long_name(b)
  );
endmodule
";
        let expected = "\
module m (
  input  wire         clk,  // rising edge
  // Group.
  output wire [519:0] code  // bits
);
  wire       a;
  reg  [3:0] b;

  n u (
    .clk      (clk),
    .long_name(b)
  );
endmodule
";
        assert_eq!(tidy(text), expected);
        assert_eq!(tidy(expected), expected, "a tidy text stays as it is");
    }

    #[test]
    fn headings_stand_apart() {
        assert_eq!(tidy("  end\n  // --- Next ---\n  wire a;\n"), "  end\n\n  // --- Next ---\n  wire a;\n");
        let apart = "  wire a;\n\n  // --- Next ---\n";
        assert_eq!(tidy(apart), apart);
    }

    #[test]
    fn other_lines_stay() {
        let text = "  assign a = b; // why\n  wire c = d;\n  reg [7:0] mem [0:3];\n";
        assert_eq!(tidy(text), text);
    }
}
