"""The kinds of syntax that a query may be made of (names of sqlglot's classes). What is not listed is refused: writes, locks, hints, parameters, commands and what a later version brings."""

ROOTS = frozenset(["Select", "Union", "Except", "Intersect", "Subquery", "Values", "Pivot"])
"""What a statement may be."""

_ALLOWED = (
    # queries and what they stand on
    "Select From Join Where Group Order Ordered Limit Offset Fetch LimitOptions Having Qualify Distinct With CTE TableAlias Alias Aliases Subquery Union Except Intersect Values Tuple Paren "
    "Star Column Identifier Table Lateral TableSample Pivot PivotAlias PivotAny UnpivotColumns Ordinality WithinGroup Filter Window WindowSpec Rollup Cube GroupingSets PositionalColumn "
    # values and types
    "Literal RawString National HexString BitString ByteString Null Boolean Var DataType DataTypeParam Interval IntervalSpan ColumnDef "
    # operators
    "Add Sub Mul Div IntDiv Mod Neg BitwiseAnd BitwiseOr BitwiseXor BitwiseNot BitwiseLeftShift BitwiseRightShift EQ NEQ GT GTE LT LTE Is Not Like ILike NotLike SimilarTo Glob Between In DPipe "
    "NullSafeEQ NullSafeNEQ Escape Any All Collate AtTimeZone Distance ArrayContainsAll ArrayContainedBy ArrayOverlaps Overlaps Bracket Slice Dot Pow "
    "JSONBContains JSONBContainsAnyTopKeys JSONBContainsAllTopKeys JSONBDeleteAtPath PropertyEQ Lambda Kwarg Comprehension Adjacent ExtendsLeft ExtendsRight Introducer Match IgnoreNulls RespectNulls IndexTableHint Partition "
    # what a path into JSON is made of
    "JSONPath JSONPathRoot JSONPathKey JSONPathSubscript JSONPathWildcard JSONPathSlice JSONPathUnion JSONPathRecursive JSONPathSelector "
    "JSONValue JSONKeyValue JSONColumnDef JSONSchema OpenJSONColumnDef"
)
ALLOWED = frozenset(_ALLOWED.split())

_OPERATORS = (
    "And Array ArrayAgg ArrayConcat ArrayContains ArrayContainsAll ArrayOverlaps AtTimeZone BitwiseXor Case Cast Coalesce Collate Columns Concat "
    "CurrentDate CurrentDatetime CurrentTime CurrentTimestamp Date DateAdd DateDiff DateSub DateTrunc DatetimeAdd DatetimeSub Dot Exists If IntDiv Interval "
    "JSONBContains JSONBContainsAllTopKeys JSONBContainsAnyTopKeys JSONBContainsTopKey JSONBExtract JSONBExtractScalar JSONExtract JSONExtractScalar "
    "Localtime Localtimestamp Map MatchAgainst Mod Not NullSafeEQ Or ParseJSON Posexplode Pow RegexpFullMatch RegexpILike RegexpLike SafeConcat StrToDate "
    "Struct Timestamp TimestampAdd TimestampSub TimestampTrunc ToChar ToMap TryCast TsOrDsAdd TsOrDsToDate TsOrDsToDatetime TsOrDsToTime TsOrDsToTimestamp "
    "VarMap Xor"
)
WITHOUT_A_CALL = frozenset(_OPERATORS.split())
"""Functions of the tree that a dialect may write as an operator or without brackets; written as a call, their names are looked up as all others."""

_STATEMENTS = (
    "ALTER BACKUP BEGIN BREAK BULK CHECKPOINT CLOSE COMMIT CONTINUE CREATE DBCC DEALLOCATE DECLARE DELETE DENY DISABLE DROP ENABLE EXEC EXECUTE FETCH GO "
    "GOTO GRANT IF INSERT KILL MERGE OPEN PRINT RAISERROR READTEXT RECEIVE RECONFIGURE RESTORE RETURN REVERT REVOKE ROLLBACK SAVE SEND SET SHUTDOWN THROW "
    "TRUNCATE UPDATE UPDATETEXT USE WAITFOR WHILE WRITETEXT"
)
STATEMENT_WORDS = frozenset(_STATEMENTS.split())
"""What begins a statement of Transact-SQL, which needs no semicolon between two: as a name without AS it may be the second statement."""
