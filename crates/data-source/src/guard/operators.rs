use sqlparser::ast::{BinaryOperator, UnaryOperator};

use super::refusal::Refusal;

/// Operators of the server and of common extensions that the parser has no name for.
/// In an unknown one Postgres may see the beginning of a comment.
const CUSTOM_OPERATORS: &[&str] = &[
    "-|-", "@@@", "<#>", "<+>", "<~>", "<%>", "<%", "%>", "<<%", "%>>", "<->>", "<<->", "<->>>",
    "<<<->", "*=", "*<>", "&&&", "@>>", "<<@", "%%", "#=", "||/", "|/",
];

/// Whether Postgres ends what it reads here, and takes the rest for a comment.
pub(super) fn begins_comment(text: &str) -> bool {
    text.contains("--") || text.contains("/*")
}

/// Accepts the operators that Postgres or a common extension has.
pub(super) fn check(operator: &BinaryOperator) -> Result<(), Refusal> {
    use BinaryOperator as Op;
    let is_allowed = match operator {
        Op::Custom(symbol) => CUSTOM_OPERATORS.contains(&symbol.as_str()),
        Op::PGCustomBinaryOperator(parts) => match parts.as_slice() {
            [schema, symbol] => {
                schema.eq_ignore_ascii_case("pg_catalog")
                    && symbol.chars().all(|it| "+-*/<>=~!@#%^&|`?".contains(it))
                    && !begins_comment(symbol)
            }
            _ => false,
        },
        Op::Xor
        | Op::DuckIntegerDivide
        | Op::MyIntegerDivide
        | Op::Match
        | Op::Regexp
        | Op::Glob
        | Op::Assignment => false,
        Op::Plus
        | Op::Minus
        | Op::Multiply
        | Op::Divide
        | Op::Modulo
        | Op::StringConcat
        | Op::Gt
        | Op::Lt
        | Op::GtEq
        | Op::LtEq
        | Op::Spaceship
        | Op::Eq
        | Op::NotEq
        | Op::And
        | Op::Or
        | Op::BitwiseOr
        | Op::BitwiseAnd
        | Op::BitwiseXor
        | Op::PGBitwiseXor
        | Op::PGBitwiseShiftLeft
        | Op::PGBitwiseShiftRight
        | Op::PGExp
        | Op::PGOverlap
        | Op::PGRegexMatch
        | Op::PGRegexIMatch
        | Op::PGRegexNotMatch
        | Op::PGRegexNotIMatch
        | Op::PGLikeMatch
        | Op::PGILikeMatch
        | Op::PGNotLikeMatch
        | Op::PGNotILikeMatch
        | Op::PGStartsWith
        | Op::Arrow
        | Op::LongArrow
        | Op::HashArrow
        | Op::HashLongArrow
        | Op::AtAt
        | Op::AtArrow
        | Op::ArrowAt
        | Op::HashMinus
        | Op::AtQuestion
        | Op::Question
        | Op::QuestionAnd
        | Op::QuestionPipe
        | Op::Overlaps
        | Op::DoubleHash
        | Op::LtDashGt
        | Op::AndLt
        | Op::AndGt
        | Op::LtLtPipe
        | Op::PipeGtGt
        | Op::AndLtPipe
        | Op::PipeAndGt
        | Op::LtCaret
        | Op::GtCaret
        | Op::QuestionHash
        | Op::QuestionDash
        | Op::QuestionDashPipe
        | Op::QuestionDoublePipe
        | Op::At
        | Op::TildeEq => true,
    };
    let refused = || Refusal::construct(format_args!("the operator {operator}"));
    if is_allowed { Ok(()) } else { Err(refused()) }
}

pub(super) fn check_prefix(operator: UnaryOperator) -> Result<(), Refusal> {
    match operator {
        UnaryOperator::AtDashAt
        | UnaryOperator::BitwiseNot
        | UnaryOperator::DoubleAt
        | UnaryOperator::Hash
        | UnaryOperator::Plus
        | UnaryOperator::Minus
        | UnaryOperator::Not
        | UnaryOperator::PGAbs
        | UnaryOperator::PGCubeRoot
        | UnaryOperator::PGSquareRoot
        | UnaryOperator::QuestionDash
        | UnaryOperator::QuestionPipe => Ok(()),
        UnaryOperator::BangNot
        | UnaryOperator::PGPostfixFactorial
        | UnaryOperator::PGPrefixFactorial => {
            Err(Refusal::construct(format_args!("the operator {operator}")))
        }
    }
}
