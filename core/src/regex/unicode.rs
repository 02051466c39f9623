//! The names of classes of characters that Go knows: `unicode.Categories`, `CategoryAliases` and `Scripts`.

/// Whether `\p{name}` is a class. Case, spaces, `_` and `-` do not count, as in Go 1.25 and later.
pub(super) fn is_class(name: &str) -> bool {
    // Names are sorted in this form, too.
    let folded: String =
        name.chars().filter(|char| !matches!(char, ' ' | '_' | '-')).map(|char| char.to_ascii_lowercase()).collect();
    CATEGORIES.binary_search(&folded.as_str()).is_ok() || SCRIPTS.binary_search(&folded.as_str()).is_ok()
}

/// Whether `[[:name:]]` is a class.
pub(super) fn is_posix_class(name: &str) -> bool {
    matches!(
        name,
        "alnum"
            | "alpha"
            | "ascii"
            | "blank"
            | "cntrl"
            | "digit"
            | "graph"
            | "lower"
            | "print"
            | "punct"
            | "space"
            | "upper"
            | "word"
            | "xdigit"
    )
}

/// General categories of Unicode with their long names; sorted.
#[rustfmt::skip]
static CATEGORIES: &[&str] = &[
    "any", "ascii", "assigned", "c", "casedletter", "cc", "cf", "closepunctuation", "cn", "cntrl", "co",
    "combiningmark", "connectorpunctuation", "control", "cs", "currencysymbol", "dashpunctuation", "decimalnumber",
    "digit", "enclosingmark", "finalpunctuation", "format", "initialpunctuation", "l", "lc", "letter",
    "letternumber", "lineseparator", "ll", "lm", "lo", "lowercaseletter", "lt", "lu", "m", "mark", "mathsymbol",
    "mc", "me", "mn", "modifierletter", "modifiersymbol", "n", "nd", "nl", "no", "nonspacingmark", "number",
    "openpunctuation", "other", "otherletter", "othernumber", "otherpunctuation", "othersymbol", "p",
    "paragraphseparator", "pc", "pd", "pe", "pf", "pi", "po", "privateuse", "ps", "punct", "punctuation", "s", "sc",
    "separator", "sk", "sm", "so", "spaceseparator", "spacingmark", "surrogate", "symbol", "titlecaseletter",
    "unassigned", "uppercaseletter", "z", "zl", "zp", "zs",
];

/// Scripts of Unicode 15; sorted.
#[rustfmt::skip]
static SCRIPTS: &[&str] = &[
    "adlam", "ahom", "anatolianhieroglyphs", "arabic", "armenian", "avestan", "balinese", "bamum", "bassavah",
    "batak", "bengali", "bhaiksuki", "bopomofo", "brahmi", "braille", "buginese", "buhid", "canadianaboriginal",
    "carian", "caucasianalbanian", "chakma", "cham", "cherokee", "chorasmian", "common", "coptic", "cuneiform",
    "cypriot", "cyprominoan", "cyrillic", "deseret", "devanagari", "divesakuru", "dogra", "duployan",
    "egyptianhieroglyphs", "elbasan", "elymaic", "ethiopic", "georgian", "glagolitic", "gothic", "grantha", "greek",
    "gujarati", "gunjalagondi", "gurmukhi", "han", "hangul", "hanifirohingya", "hanunoo", "hatran", "hebrew",
    "hiragana", "imperialaramaic", "inherited", "inscriptionalpahlavi", "inscriptionalparthian", "javanese",
    "kaithi", "kannada", "katakana", "kawi", "kayahli", "kharoshthi", "khitansmallscript", "khmer", "khojki",
    "khudawadi", "lao", "latin", "lepcha", "limbu", "lineara", "linearb", "lisu", "lycian", "lydian", "mahajani",
    "makasar", "malayalam", "mandaic", "manichaean", "marchen", "masaramgondi", "medefaidrin", "meeteimayek",
    "mendekikakui", "meroiticcursive", "meroitichieroglyphs", "miao", "modi", "mongolian", "mro", "multani",
    "myanmar", "nabataean", "nagmundari", "nandinagari", "newa", "newtailue", "nko", "nushu",
    "nyiakengpuachuehmong", "ogham", "olchiki", "oldhungarian", "olditalic", "oldnortharabian", "oldpermic",
    "oldpersian", "oldsogdian", "oldsoutharabian", "oldturkic", "olduyghur", "oriya", "osage", "osmanya",
    "pahawhhmong", "palmyrene", "paucinhau", "phagspa", "phoenician", "psalterpahlavi", "rejang", "runic",
    "samaritan", "saurashtra", "sharada", "shavian", "siddham", "signwriting", "sinhala", "sogdian", "sorasompeng",
    "soyombo", "sundanese", "sylotinagri", "syriac", "tagalog", "tagbanwa", "taile", "taitham", "taiviet", "takri",
    "tamil", "tangsa", "tangut", "telugu", "thaana", "thai", "tibetan", "tifinagh", "tirhuta", "toto", "ugaritic",
    "vai", "vithkuqi", "wancho", "warangciti", "yezidi", "yi", "zanabazarsquare",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_sorted() {
        assert!(CATEGORIES.is_sorted() && SCRIPTS.is_sorted());
    }

    #[test]
    fn names_are_found_in_any_spelling() {
        for name in ["L", "Lu", "lu", "Greek", "Old_Italic", "old italic", "Letter", "Any", "Lowercase-Letter"] {
            assert!(is_class(name), "{name}");
        }
        for name in ["", "X", "Latinx", "gr\u{e9}ek"] {
            assert!(!is_class(name), "{name}");
        }
    }
}
