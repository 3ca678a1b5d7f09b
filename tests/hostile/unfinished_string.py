# outcome: 2 has a syntax error
text = '''
