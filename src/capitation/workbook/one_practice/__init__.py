"""The live sheet of one practice, in workbooks that hold values elsewhere."""
