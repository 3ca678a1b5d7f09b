# outcome: 2
text = '''
