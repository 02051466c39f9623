//! The keywords of PromQL.

macro_rules! keywords {
    ($($name:ident = $text:literal)*) => {
        $(#[doc = concat!("`", $text, "`")] pub const $name: &str = $text;)*

        /// Every keyword, in lower case. The lexer ignores case.
        pub const ALL: &[&str] = &[$($name),*];
    };
}

keywords! {
    ANCHORED = "anchored"
    AND = "and"
    ATAN2 = "atan2"
    AVG = "avg"
    BOOL = "bool"
    BOTTOMK = "bottomk"
    BY = "by"
    COUNT = "count"
    COUNT_VALUES = "count_values"
    END = "end"
    FILL = "fill"
    FILL_LEFT = "fill_left"
    FILL_RIGHT = "fill_right"
    GROUP = "group"
    GROUP_LEFT = "group_left"
    GROUP_RIGHT = "group_right"
    IGNORING = "ignoring"
    INF = "inf"
    LIMIT_RATIO = "limit_ratio"
    LIMITK = "limitk"
    MAX = "max"
    MAX_OF = "max_of"
    MIN = "min"
    MIN_OF = "min_of"
    NAN = "nan"
    OFFSET = "offset"
    ON = "on"
    OR = "or"
    QUANTILE = "quantile"
    RANGE = "range"
    SMOOTHED = "smoothed"
    START = "start"
    STDDEV = "stddev"
    STDVAR = "stdvar"
    STEP = "step"
    SUM = "sum"
    TOPK = "topk"
    UNLESS = "unless"
    WITHOUT = "without"
}

/// The keywords before labels in parentheses.
pub const GROUPINGS: [&str; 6] = [BY, WITHOUT, ON, IGNORING, GROUP_LEFT, GROUP_RIGHT];
